// swift-tools-version: 6.2
import PackageDescription

// The rooms and their arrows. Arrows point down only; Tests/ArchitectureTests holds this file
// against the table in docs/architecture.md.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
]

func room(
  _ name: String, _ imports: [Target.Dependency] = [], exclude: [String] = [],
  resources: [Resource] = []
) -> Target {
  .target(
    name: name, dependencies: imports, exclude: exclude, resources: resources,
    swiftSettings: settings)
}

func program(_ name: String, _ imports: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: imports, swiftSettings: settings)
}

func tests(_ name: String, _ imports: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: imports + ["TestSupport"], exclude: [], swiftSettings: settings)
}

let package = Package(
  name: "reltui",
  products: [
    .executable(name: "reltui", targets: ["reltui"]),
    .executable(name: "relctl", targets: ["relctl"]),
    .executable(name: "relpack", targets: ["relpack"]),
    .executable(name: "relshim", targets: ["relshim"]),
  ],
  targets: [
    // core
    room("HomeFormat"),
    room("PlainText"),
    room("ErlangTerm"),
    room("ReleaseModel", ["ErlangTerm", "HomeFormat"]),
    // system
    .target(name: "CPosix"),
    .systemLibrary(name: "CNcurses"),
    room("Posix", ["CPosix"]),
    room("Disk", ["ReleaseModel", "Posix"]),
    // durable and live
    room("EventLog", ["Posix", "HomeFormat"]),
    room("SlugStore", ["ReleaseModel", "Disk"]),
    room("ConfigStore", ["ReleaseModel", "Disk"]),
    room("ErlangDistribution", ["ErlangTerm", "Posix"]),
    room(
      "Terminal", ["CNcurses", "Posix", "PlainText"],
      resources: [.embedInCode("Themes/dark.theme"), .embedInCode("Themes/light.theme")]),
    // work
    room("Journal", ["ReleaseModel", "EventLog", "ConfigStore"]),
    room(
      "NodeWatch", ["ReleaseModel", "ErlangDistribution"],
      exclude: ["Probes/survey.erl", "Probes/collector.erl"],
      resources: [.embedInCode("Probes/survey.forms"), .embedInCode("Probes/collector.forms")]),
    room("Instance", ["ReleaseModel", "NodeWatch", "Disk"]),
    room(
      "Buildpack", ["Instance", "SlugStore", "Journal", "PlainText"],
      resources: [.embedInCode("Tasks/build.exs"), .embedInCode("Tasks/steady.exs")]),
    room("Deployment", ["Instance", "SlugStore", "Journal"]),
    room("Observation", ["Journal", "Instance"]),
    // interfaces
    room("Dashboard", ["ReleaseModel", "Terminal"]),
    room("CommandLine", ["ReleaseModel", "Posix", "PlainText"]),
    // programs
    program("reltui", ["Dashboard", "Observation", "CommandLine"]),
    program("relctl", ["Buildpack", "Deployment", "Observation", "CommandLine"]),
    program("relpack", ["Buildpack", "CommandLine"]),
    program("relshim", ["Posix", "HomeFormat"]),
    // measured by `make bench`, never installed
    program("relbench", ["Journal", "ConfigStore", "NodeWatch"]),
    // tests
    .target(
      name: "TestSupport", dependencies: ["Posix"], path: "Tests/TestSupport",
      swiftSettings: settings),
    tests("ArchitectureTests", []),
    tests("BuildpackTests", ["Buildpack"]),
    tests("ErlangTermTests", ["ErlangTerm"]),
    tests("DiskTests", ["Disk"]),
    tests("ReleaseModelTests", ["ReleaseModel"]),
    tests("CommandLineTests", ["CommandLine"]),
    tests("ObservationTests", ["Observation"]),
    tests("HomeFormatTests", ["HomeFormat"]),
    tests("PosixTests", ["Posix"]),
    tests("EventLogTests", ["EventLog"]),
    tests("SlugStoreTests", ["SlugStore"]),
    tests("ConfigStoreTests", ["ConfigStore"]),
    tests("JournalTests", ["Journal"]),
    tests("ErlangDistributionTests", ["ErlangDistribution"]),
    tests("NodeWatchTests", ["NodeWatch"]),
    tests("InstanceTests", ["Instance"]),
    tests("DeploymentTests", ["Deployment"]),
    tests("PlainTextTests", ["PlainText"]),
    tests("TerminalTests", ["Terminal"]),
    tests("RealTests", ["Instance", "relctl", "reltui", "relpack", "relshim"]),
    tests("TortureTests", ["EventLog", "Journal", "relctl", "reltui"]),
    tests("DashboardTests", ["Dashboard", "Journal", "reltui"]),
  ]
)
