// swift-tools-version: 6.2
import PackageDescription

// The rooms and their arrows. Arrows point down only; Tests/ArchitectureTests holds this file
// against the table in docs/architecture.md.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
]

/// The rooms that look at every byte of a file. The programs that the tests run spend most of their time in them, and
/// are several times as fast if these are optimised, also in a debug build.
let optimised = [
  "HomeLayout", "Posix", "JSONText", "ReleaseModel", "Redaction", "Diagnosis", "EventLog",
  "SlugStore",
]

func room(
  _ name: String, _ imports: [Target.Dependency] = [], exclude: [String] = [],
  resources: [Resource] = []
) -> Target {
  let speed: [SwiftSetting] =
    optimised.contains(name) ? [.unsafeFlags(["-O"], .when(configuration: .debug))] : []
  return .target(
    name: name, dependencies: imports, exclude: exclude, resources: resources,
    swiftSettings: settings + speed)
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
    room("HomeLayout"),
    room("PlainText"),
    room("ErlangTerm"),
    room("JSONText"),
    room("Events", ["HomeLayout", "JSONText"]),
    room("ReleaseModel", ["HomeLayout", "ErlangTerm", "JSONText", "Events"]),
    room("NodeModel", ["HomeLayout", "Events", "ReleaseModel"]),
    room("Redaction", ["JSONText", "Events"]),
    room("Operations", ["HomeLayout", "Events", "ReleaseModel", "NodeModel"]),
    room("Diagnosis", ["HomeLayout", "ErlangTerm", "JSONText", "Events", "ReleaseModel"]),
    // system
    .target(
      name: "CPosix",
      cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),
    .systemLibrary(name: "CNcurses"),
    room("Posix", ["CPosix"]),
    room("DiskReserve", ["HomeLayout", "Events", "Posix"]),
    // durable and live
    room("EventLog", ["HomeLayout", "Posix"]),
    room(
      "SlugStore", ["HomeLayout", "JSONText", "Events", "ReleaseModel", "Posix", "DiskReserve"]),
    room("ConfigStore", ["HomeLayout", "JSONText", "Events", "Redaction", "Posix", "DiskReserve"]),
    room("ErlangDistribution", ["ErlangTerm", "Posix"]),
    room(
      "Terminal",
      [
        "PlainText", "CNcurses",
      ],
      resources: [.embedInCode("Themes/dark.theme"), .embedInCode("Themes/light.theme")]),
    // work
    room("Router", ["HomeLayout", "JSONText", "Events", "Posix"]),
    room(
      "Journal",
      [
        "HomeLayout", "JSONText", "Events", "Redaction", "Posix", "DiskReserve", "EventLog",
        "ConfigStore",
      ]),
    room(
      "NodeWatch",
      [
        "HomeLayout", "ErlangTerm", "Events", "ReleaseModel", "NodeModel", "Redaction",
        "Operations", "Posix", "ErlangDistribution",
      ],
      exclude: ["Probes/survey.erl", "Probes/collector.erl"],
      resources: [.embedInCode("Probes/survey.forms"), .embedInCode("Probes/collector.forms")]),
    room(
      "Instance",
      [
        "HomeLayout", "Events", "ReleaseModel", "NodeModel", "Diagnosis", "Posix", "DiskReserve",
        "SlugStore", "ErlangDistribution", "NodeWatch",
      ]),
    room(
      "Buildpack",
      [
        "HomeLayout", "PlainText", "ErlangTerm", "JSONText", "Events", "ReleaseModel", "Redaction",
        "Diagnosis", "Posix", "SlugStore", "Journal", "Instance",
      ],
      resources: [.embedInCode("Tasks/build.exs"), .embedInCode("Tasks/steady.exs")]),
    room(
      "Deployment",
      [
        "HomeLayout", "JSONText", "Events", "ReleaseModel", "Redaction", "Operations", "Diagnosis",
        "Posix",
        "DiskReserve", "SlugStore", "ConfigStore", "ErlangDistribution", "Router", "Journal",
        "Instance",
      ]),
    room(
      "Observation",
      [
        "HomeLayout", "Events", "ReleaseModel", "NodeModel", "Redaction", "Operations", "Posix",
        "DiskReserve", "SlugStore", "ConfigStore", "ErlangDistribution", "Router", "Journal",
        "NodeWatch", "Instance",
      ]),
    // interfaces
    room(
      "Dashboard",
      [
        "HomeLayout", "PlainText", "Events", "ReleaseModel", "NodeModel", "Operations", "Terminal",
      ]),
    room("CommandLine", ["HomeLayout", "PlainText", "JSONText", "Events", "Posix"]),
    // programs
    program(
      "reltui",
      [
        "HomeLayout", "PlainText", "JSONText", "Events", "NodeModel", "Operations", "Posix",
        "EventLog", "SlugStore", "ErlangDistribution", "Terminal", "Journal", "Observation",
        "Dashboard", "CommandLine",
      ]),
    program(
      "relctl",
      [
        "HomeLayout", "PlainText", "ErlangTerm", "JSONText", "Events", "ReleaseModel", "NodeModel",
        "Redaction", "Operations", "Posix", "DiskReserve", "EventLog", "SlugStore", "ConfigStore",
        "ErlangDistribution", "Router", "Journal", "NodeWatch", "Instance", "Buildpack",
        "Deployment", "Observation", "CommandLine",
      ]),
    program("relpack", ["PlainText", "JSONText", "Events", "Posix", "Buildpack", "CommandLine"]),
    program("relshim", ["HomeLayout", "Posix"]),
    // measured by `make bench`, never installed
    program(
      "relbench",
      [
        "HomeLayout", "ErlangTerm", "JSONText", "Events", "NodeModel", "Redaction", "Posix",
        "EventLog", "ConfigStore", "ErlangDistribution", "Journal", "NodeWatch",
      ]),
    // tests
    .target(
      name: "TestSupport", dependencies: ["Posix"], path: "Tests/TestSupport",
      swiftSettings: settings),
    tests("ArchitectureTests", []),
    tests(
      "BuildpackTests",
      [
        "HomeLayout", "JSONText", "Events", "ReleaseModel", "Redaction", "Posix", "SlugStore",
        "Journal", "Buildpack",
      ]),
    tests("CommandLineTests", ["HomeLayout", "Events", "CommandLine"]),
    tests("ConfigStoreTests", ["HomeLayout", "Events", "Redaction", "Posix", "ConfigStore"]),
    tests(
      "DashboardTests",
      [
        "HomeLayout", "PlainText", "JSONText", "Events", "ReleaseModel", "NodeModel", "Operations",
        "Diagnosis",
        "Posix", "ErlangDistribution", "Terminal", "Journal", "NodeWatch", "Instance", "Dashboard",
        "reltui",
      ]),
    tests(
      "DeploymentTests",
      [
        "HomeLayout", "Events", "ReleaseModel", "Redaction", "Operations", "Posix", "ConfigStore",
        "Journal", "Instance", "Deployment",
      ]),
    tests("RouterTests", ["HomeLayout", "Events", "Router"]),
    tests(
      "DiagnosisTests", ["HomeLayout", "JSONText", "Events", "ReleaseModel", "Posix", "Diagnosis"]),
    tests("DiskReserveTests", ["HomeLayout", "Events", "Posix", "DiskReserve"]),
    tests("ErlangDistributionTests", ["ErlangTerm", "Posix", "ErlangDistribution"]),
    tests("ErlangTermTests", ["ErlangTerm"]),
    tests("EventLogTests", ["HomeLayout", "Posix", "EventLog"]),
    tests("EventsTests", ["HomeLayout", "JSONText", "Events"]),
    tests("HomeLayoutTests", ["HomeLayout"]),
    tests(
      "InstanceTests",
      [
        "HomeLayout", "JSONText", "Events", "ReleaseModel", "Diagnosis", "Posix",
        "ErlangDistribution", "Instance",
      ]),
    tests("JSONTextTests", ["JSONText"]),
    tests(
      "JournalTests",
      [
        "HomeLayout", "JSONText", "Events", "Redaction", "Posix", "EventLog", "ConfigStore",
        "Journal",
      ]),
    tests("NodeModelTests", ["NodeModel"]),
    tests(
      "NodeWatchTests",
      [
        "HomeLayout", "Events", "NodeModel", "Operations", "Posix", "ErlangDistribution",
        "NodeWatch",
      ]),
    tests(
      "ObservationTests",
      [
        "HomeLayout", "Events", "NodeModel", "Redaction", "Posix", "ConfigStore",
        "ErlangDistribution", "Instance", "Observation",
      ]),
    tests("OperationsTests", ["HomeLayout", "JSONText", "Events", "ReleaseModel", "Operations"]),
    tests("PlainTextTests", ["PlainText"]),
    tests("PosixTests", ["Posix"]),
    tests(
      "RealTests",
      [
        "HomeLayout", "JSONText", "Events", "ReleaseModel", "Posix", "EventLog", "ConfigStore",
        "Instance", "relctl", "reltui", "relpack", "relshim",
      ]),
    tests("RedactionTests", ["HomeLayout", "JSONText", "Events", "Redaction"]),
    tests("ReleaseModelTests", ["HomeLayout", "JSONText", "Events", "ReleaseModel"]),
    tests(
      "SlugStoreTests",
      [
        "HomeLayout", "JSONText", "Events", "ReleaseModel", "Posix", "SlugStore",
      ]),
    tests("TerminalTests", ["PlainText", "Terminal"]),
    tests(
      "TortureTests",
      [
        "HomeLayout", "JSONText", "Events", "Posix", "EventLog", "ConfigStore", "Router",
        "Journal", "Instance", "relctl", "reltui",
      ]),
  ]
)
