import JSONText
import Testing

@testable import ReleaseModel

@Suite struct SlugDiffTests {
  private static func release(_ applications: [OTPRelease.Application])
    -> OTPRelease
  {
    OTPRelease(
      name: "demo", version: "0.1.0", ertsVersion: "13.1.5", kind: .mix, applications: applications,
      startCommand: "bin/demo", startArgument: "start")
  }

  private static func application(
    _ name: String, _ version: String, _ order: Int?,
    _ type: OTPRelease.StartType = .permanent
  ) -> OTPRelease.Application {
    OTPRelease.Application(name: name, version: version, startType: type, order: order)
  }

  private static func file(_ path: String, _ size: Int = 10, _ content: Character = "a")
    -> Manifest.Entry
  {
    Manifest.Entry(
      path: path, kind: .file, mode: "644", size: size,
      sha256: String(repeating: content, count: 64))
  }

  /// The old slug of every case.
  static let old: Manifest = {
    var manifest = Manifest(
      otpReleases: [
        release([
          application("kernel", "8.5", 1), application("stdlib", "4.2", 2),
          application("sasl", "4.2", 3), application("demo", "0.1.0", 4),
          application("library", "2.0", nil),
        ])
      ],
      processes: [Procfile.Entry(process: "web", command: "bin/demo start")], appJSON: nil,
      tools: ["elixir": "1.14.0", "otp": "25"],
      target: Manifest.Target(os: "linux", arch: "x86_64"),
      files: [
        file("Procfile"), file("lib/demo-0.1.0/ebin/demo.beam", 100), file("lib/library-2.0/x"),
      ])
    manifest.variables = [
      Manifest.Variable(name: "SECRET", need: .optional, file: "config/runtime.exs", line: 3)
    ]
    manifest.migrations = [
      Manifest.Migration(application: "demo", folder: "repo/migrations", name: "1_first")
    ]
    return manifest
  }()

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var change: @Sendable (inout Manifest) -> Void
    /// The lines below the size.
    var lines: [String]
  }

  private static func upgrade(_ manifest: inout Manifest, appup: Bool = true) {
    manifest.otpReleases[0].version = "0.2.0"
    manifest.otpReleases[0].applications[3].version = "0.2.0"
    manifest.files[1] = file("lib/demo-0.2.0/ebin/demo.beam", 100)
    if appup { manifest.files.append(file("lib/demo-0.2.0/ebin/demo.appup", 7)) }
  }

  static let cases = [
    Case(
      testDescription: "new needs come first, required ones before all",
      change: { manifest in
        manifest.variables = [
          ("LATER", .conditional, 9), ("SECRET", .required, 4), ("HERE", .required, 7),
          ("HERE", .optional, 1), ("EXTRA", .optional, 2),
        ].map { Manifest.Variable(name: $0, need: $1, file: "config/runtime.exs", line: $2) }
      },
      lines: [
        "variables   + HERE  REQUIRED, config/runtime.exs:7",
        "            ~ SECRET  optional → REQUIRED, config/runtime.exs:4",
        "            + LATER  conditional, config/runtime.exs:9",
        "            + EXTRA  optional, config/runtime.exs:2",
      ]),
    Case(
      testDescription: "what app.json asks for is needed too",
      change: { manifest in
        manifest.appJSON = try? AppJSON(
          bytes: Array(#"{"env":{"KEY":{},"SECRET":"x"},"formation":{"web":{"quantity":2}}}"#.utf8))
        manifest.variables = []
      },
      lines: [
        "variables   + KEY  REQUIRED, app.json", "app.json    ~ env, formation",
      ]),
    Case(
      testDescription: "migrations and process types",
      change: { manifest in
        manifest.migrations = [
          Manifest.Migration(application: "demo", folder: "repo/migrations", name: "2_second")
        ]
        manifest.processes = [
          Procfile.Entry(process: "web", command: "bin/server"),
          Procfile.Entry(process: "job", command: "bin/job"),
        ]
      },
      lines: [
        "migrations  + demo  repo/migrations/2_second",
        "            - demo  repo/migrations/1_first",
        "processes   + job: bin/job", "            ~ web: bin/demo start → bin/server",
      ]),
    Case(
      testDescription: "applications, start types and boot order",
      change: { manifest in
        upgrade(&manifest)
        manifest.otpReleases[0].applications = [
          application("kernel", "8.5", 1), application("stdlib", "4.2", 2),
          application("demo", "0.2.0", 3), application("sasl", "4.2", 4, .temporary),
          application("more", "3.0", 5),
        ]
      },
      lines: [
        "release     demo 0.1.0 → 0.2.0, ERTS 13.1.5", "              + more 3.0",
        "              - library 2.0", "              ~ demo 0.1.0 → 0.2.0",
        "              ~ sasl is temporary, was permanent",
        "              ~ demo boots as number 3, was 4",
        "              hot upgrade: possible, with a relup",
        "files       + 2 (107 B)  - 1 (100 B)",
        "            - lib/demo-0.1.0/ebin/demo.beam  100 B",
        "            + lib/demo-0.2.0/ebin/demo.beam  100 B",
        "            + lib/demo-0.2.0/ebin/demo.appup  7 B",
      ]),
    Case(
      testDescription: "a core application and the emulator",
      change: { manifest in
        upgrade(&manifest)
        manifest.otpReleases[0].ertsVersion = "14.0"
        manifest.otpReleases[0].applications[1].version = "5.0"
      },
      lines: [
        "release     demo 0.1.0 → 0.2.0, ERTS 13.1.5 → 14.0", "              ~ demo 0.1.0 → 0.2.0",
        "              ~ stdlib 4.2 → 5.0",
        "              hot upgrade: not without a restart of the emulator:",
        "                ERTS 13.1.5 becomes 14.0", "                new version of stdlib",
        "files       + 2 (107 B)  - 1 (100 B)",
        "            - lib/demo-0.1.0/ebin/demo.beam  100 B",
        "            + lib/demo-0.2.0/ebin/demo.beam  100 B",
        "            + lib/demo-0.2.0/ebin/demo.appup  7 B",
      ]),
    Case(
      testDescription: "all that makes a hot upgrade impossible",
      change: { manifest in
        upgrade(&manifest, appup: false)
        manifest.otpReleases[0].name = "other"
        manifest.otpReleases[0].version = "0.1.0"
        manifest.files[2] = file("lib/library-2.0/x", 10, "b")
        manifest.target = Manifest.Target(os: "linux", arch: "aarch64")
      },
      lines: [
        "release     other 0.1.0, ERTS 13.1.5", "              ~ demo 0.1.0 → 0.2.0",
        "              ~ library 2.0, the same version: 1 file differs",
        "              hot upgrade: impossible:", "                the target is another one",
        "                the OTP release has another name",
        "                the OTP release's version is 0.1.0 in both",
        "                changed under the same version: library",
        "                no .appup in the new slug: demo", "target      ~ arch x86_64 → aarch64",
        "files       + 1 (100 B)  - 1 (100 B)  ~ 1 (10 B)",
        "            - lib/demo-0.1.0/ebin/demo.beam  100 B",
        "            + lib/demo-0.2.0/ebin/demo.beam  100 B",
        "            ~ lib/library-2.0/x  10 B",
      ]),
    Case(
      testDescription: "tools, target, what was not looked at",
      change: { manifest in
        manifest.tools = ["elixir": "1.15.0", "otp": "25", "rebar3": "3.19"]
        manifest.target.glibc = "2.34"
        manifest.target.libraries = ["libc.so.6"]
        manifest.debugInfo = .stripped
        (manifest.variables, manifest.migrations) = (nil, nil)
      },
      lines: [
        "tools       ~ elixir 1.14.0 → 1.15.0", "            + rebar3 3.19",
        "target      + glibc 2.34",
        "debug info  ~ unknown → stripped",
        "unknown     which variables are read; migrations: not looked at in both builds",
      ]),
    Case(
      testDescription: "a second OTP release",
      change: { manifest in
        var other = release([])
        (other.name, other.folder) = ("extra", "rel/extra")
        manifest.otpReleases.append(other)
      }, lines: ["release     + extra 0.1.0"]),
  ]

  @Test(arguments: cases) func differencesInWords(_ item: Case) {
    var new = Self.old
    item.change(&new)
    let diff = SlugDiff(from: Self.old, to: new)
    #expect(!diff.isEmpty)
    #expect(diff.lines.first?.hasPrefix("size  ") == true)
    #expect(Array(diff.lines.dropFirst()) == item.lines)
    let back = SlugDiff(from: new, to: Self.old)
    #expect(back.files.map(\.path) == diff.files.map(\.path) && back.size.from == diff.size.to)
    #expect(SlugDiff(from: new, to: new).isEmpty)
  }

  @Test func equalSlugsHaveNoDifferences() {
    let diff = SlugDiff(from: Self.old, to: Self.old)
    #expect(diff.isEmpty && diff.lines == [])
  }

  @Test func jsonHasEveryFileAndTheIds() throws {
    var new = Self.old
    Self.upgrade(&new)
    new.files += (0..<30).map { Self.file("f/\($0)") }
    let report = SlugDiffReport(from: "a1", to: "b2", SlugDiff(from: Self.old, to: new))
    let json = String(decoding: JSON.encode(report), as: UTF8.self)
    for part in [
      #""from":"a1","#, #""to":"b2","#, #"{"path":"f/29","to":10}"#,
      #"{"from":100,"path":"lib/demo-0.1.0/ebin/demo.beam"}"#,
      #""hot_upgrade":{"obstacles":[],"verdict":"possible"}"#,
      #""changed":[{"files":3,"from":"0.1.0","name":"demo","to":"0.2.0"}]"#,
      #""size":{"from":120,"to":427}"#,
    ] {
      #expect(json.contains(part), "\(part) in \(json)")
    }
  }

  /// A manifest may hold any numbers and names.
  @Test func extremeNumbersAndNamesAreHarmless() {
    var wild = Self.old
    wild.files = [Self.file("a", .max), Self.file("a", .max), Self.file("b", .max)]
    wild.otpReleases[0].applications += wild.otpReleases[0].applications
    wild.otpReleases[0].applications[0].order = .min
    wild.otpReleases += wild.otpReleases
    wild.processes += wild.processes
    for (from, to) in [(Self.old, wild), (wild, Self.old), (wild, wild)] {
      let diff = SlugDiff(from: from, to: to)
      #expect(diff.isEmpty == diff.lines.isEmpty)
    }
  }
}
