import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

/// A tree of nothing but these files.
private struct CodeTree {
  let folder: TemporaryFolder
  let entries: [Manifest.Entry]

  init(_ files: [(path: String, bytes: [UInt8])]) throws {
    folder = try TemporaryFolder("elf", inMemory: true)
    for file in files { try folder.write(file.path, file.bytes) }
    entries = files.map {
      Manifest.Entry(path: $0.path, kind: .file, mode: "644", size: $0.bytes.count)
    }
  }

  func read() throws -> NativeCode { try NativeCode(in: folder.path, entries) }
}

@Suite struct NativeCodeTests {
  static let host = Manifest.Target.host.arch == "x86_64" ? 62 : 183
  static let other = host == 62 ? 183 : 62

  private func read(_ images: ELFImage...) throws -> NativeCode {
    let files = images.enumerated().map { ("lib/\($0.offset).so", $0.element.bytes) }
    return try CodeTree(files).read()
  }

  private static func image(_ versions: [String], weak: Set<String> = []) -> ELFImage {
    ELFImage(
      machine: host, needed: ["libc.so.6"], versions: [("libc.so.6", versions)], weak: weak)
  }

  static let versions: [([String], Set<String>, String?)] = [
    (["GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.4"], [], "2.34"),
    (["GLIBC_2.9", "GLIBC_2.17"], [], "2.17"),
    (["GLIBC_2.2.5", "GLIBC_2.2"], [], "2.2.5"),
    (["GLIBC_PRIVATE", "GLIBC_2.3"], [], "2.3"),
    (["GLIBC_PRIVATE"], [], nil),
    (["GLIBC_2.3", "GLIBC_ABI_DT_RELR"], [], "2.36"),
    (["GLIBC_2.38", "GLIBC_ABI_DT_RELR"], [], "2.38"),
    (["GLIBC_2.3", "GLIBC_2.40"], ["GLIBC_2.40"], "2.3"),
    (
      ["GLIBC_", "_2.5", "GLIBC", "GLIBC_2.-1", "GLIBC_2..3", "GLIBC_99999999999999999999"], [], nil
    ),
    ([], [], nil),
  ]

  @Test(arguments: versions) func theGreatestVersionIsTheLowestThatWillDo(
    names: [String], weak: Set<String>, glibc: String?
  ) throws {
    #expect(try read(Self.image(names, weak: weak)).glibc == glibc)
  }

  @Test func otherLibrariesHaveVersionsToo() throws {
    let code = try read(
      ELFImage(
        machine: Self.host, needed: ["libstdc++.so.6", "libc.so.6"],
        versions: [
          ("libc.so.6", ["GLIBC_2.14"]),
          ("libstdc++.so.6", ["GLIBCXX_3.4.9", "GLIBCXX_3.4.30", "CXXABI_1.3"]),
        ]), Self.image(["GLIBC_2.28"]))
    #expect(code.versions == ["GLIBC": "2.28", "GLIBCXX": "3.4.30", "CXXABI": "1.3"])
    #expect(code.libraries == ["libc.so.6", "libstdc++.so.6"] && code.findings == [])
  }

  @Test func whatTheTreeHoldsIsNotNeeded() throws {
    let user = ELFImage(machine: Self.host, needed: ["libz.so.1", "1.so", "libm.so.6"])
    #expect(try read(user, ELFImage(machine: Self.host)).libraries == ["libm.so.6", "libz.so.1"])
  }

  @Test func muslIsALibrary() throws {
    let image = ELFImage(machine: Self.host, interpreter: "/lib/ld-musl-x86_64.so.1")
    #expect(try read(image).libraries == ["ld-musl-x86_64.so.1"])
    let glibc = ELFImage(machine: Self.host, interpreter: "/lib64/ld-linux-x86-64.so.2")
    #expect(try read(glibc).libraries == [])
  }

  static let foreign: [(ELFImage, String)] = [
    (ELFImage(machine: 3, is64Bit: false), "i386"),
    (ELFImage(machine: 40, is64Bit: false), "arm"),
    (ELFImage(machine: 20, is64Bit: false, isBigEndian: true), "ppc"),
    (ELFImage(machine: 22, isBigEndian: true), "s390x"),
    (ELFImage(machine: other), host == 62 ? "aarch64" : "x86_64"),
    (ELFImage(machine: 9999), "machine 9999"),
  ]

  @Test(arguments: foreign) func codeForAnotherHostIsFound(image: ELFImage, name: String) throws {
    var image = image
    image.needed = ["libnever.so"]
    image.versions = [("libnever.so", ["GLIBC_2.99"])]
    let code = try read(image)
    #expect(code.findings == [.foreign(file: "lib/0.so", architecture: name)])
    #expect(code.libraries == [] && code.glibc == nil)
    // An object file is not linked at run time.
    image.kind = 1
    #expect(try read(image).findings == [])
  }

  static let folders: [(String, String?)] = [
    ("$ORIGIN/../lib", nil), ("/usr/lib/x86_64-linux-gnu:/lib:/opt/x", nil), ("", nil),
    ("/usr", nil), ("/usrlocal", "/usrlocal"), ("$ORIGIN:/tmp/build_1/deps", "/tmp/build_1/deps"),
  ]

  @Test(arguments: folders) func aFolderOfTheBuildHostIsFound(text: String, folder: String?) throws
  {
    var image = ELFImage(machine: Self.host, needed: ["libz.so.1"], runPath: text)
    #expect(
      try read(image).findings
        == [folder].compactMap { $0 }.map {
          .stray(file: "lib/0.so", folder: $0)
        })
    image.needed = []
    #expect(try read(image).findings == [])
  }

  @Test func smallAndBackToFrontIsReadAlike() throws {
    for (machine, is64Bit, isBigEndian) in [
      (40, false, false), (20, false, true), (22, true, true),
    ] {
      var image = Self.image(["GLIBC_2.17"])
      (image.machine, image.is64Bit, image.isBigEndian) = (machine, is64Bit, isBigEndian)
      #expect(try read(image).findings.count == 1)
      // Cut, it is nothing.
      let bytes = image.bytes
      for length in [52, 63, bytes.count / 2, bytes.count - 1] {
        #expect(try CodeTree([("a", Array(bytes.prefix(length)))]).read().findings == [])
      }
    }
  }

  /// What is written over the bytes at an offset of a good image of 64 bits.
  static let lies: [(String, Int, [UInt8])] = [
    ("another class", 4, [3]), ("another order", 5, [0]), ("another format", 6, [2]),
    ("segments beyond the end", 32, [0xff, 0xff, 0xff, 0x7f]),
    ("segments before all", 32, [UInt8](repeating: 0xff, count: 8)),
    ("small segments", 54, [8, 0]), ("many segments", 56, [0xff, 0xff]),
    ("a loaded segment beyond the end", 64 + 32, [0xff, 0xff, 0xff]),
    ("a dynamic section beyond the end", 120 + 8, [0xff, 0xff, 0xff]),
    ("a dynamic section elsewhere", 120 + 8, [UInt8](repeating: 0x7f, count: 8)),
    ("strings nowhere", 64 + 16, [0, 0, 0, 0, 1]),
  ]

  @Test(arguments: lies) func aLieIsNoELF(name: String, place: Int, bytes: [UInt8]) throws {
    var image = Self.image(["GLIBC_2.17"]).bytes
    #expect(try CodeTree([("a", image)]).read().glibc == "2.17")
    image.replaceSubrange(place..<(place + bytes.count), with: bytes)
    let code = try CodeTree([("a", image)]).read()
    #expect(code.glibc == nil && code.libraries == [] && code.findings == [], "\(name)")
  }

  /// Whatever is read, reading ends.
  @Test func brokenAnywhere() throws {
    var random = SystemRandomNumberGenerator()
    let good = Self.image((1...20).map { "GLIBC_2.\($0)" }).bytes
    var files: [(path: String, bytes: [UInt8])] = []
    for number in 0..<2000 {
      var bytes = good
      for _ in 0...Int.random(in: 0..<6, using: &random) {
        let place = Int.random(in: 4..<bytes.count, using: &random)
        bytes[place] =
          [0, 1, 0x7f, 0x80, 0xff, .random(in: 0...255, using: &random)].randomElement() ?? 0
      }
      if number % 4 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
      files.append(("\(number)", bytes))
    }
    _ = try CodeTree(files).read()
  }

  /// The virtual machine that runs here, against binutils.
  @Test func theRealOneAsReadelfTellsIt() throws {
    let root = try Invocation(
      ["erl", "-noinput", "-eval", "io:put_chars(code:root_dir()), halt()."],
      environment: Environment.current
    ).run(errors: .null).text
    let all = try FileTree.entries(of: root).filter { $0.info.kind == .file && $0.info.size > 64 }
    let entries = all.map { Manifest.Entry(path: $0.path, kind: .file, size: $0.info.size) }
      .filter { (try? File.open("\(root)/\($0.path)", .read).read(upTo: 4)) == [127, 69, 76, 70] }
      .filter { !$0.path.hasSuffix(".o") && !$0.path.hasSuffix(".a") }
    #expect(entries.count > 10)
    for entry in entries {
      let code = try NativeCode(in: root, [entry])
      let text = try Invocation(
        ["readelf", "-dVW", "\(root)/\(entry.path)"],
        environment: ["PATH": Invocation.standardPath, "LC_ALL": "C"]
      ).run(errors: .null).text
      let lines = text.split(separator: "\n")
      let needed = lines.filter { $0.contains("(NEEDED)") }
        .compactMap { $0.split { "[]".contains($0) }.last }.map(String.init)
      #expect(code.libraries == needed.sorted(), "\(entry.path)")
      let versions = lines.compactMap { line in
        line.firstRange(of: "Name: GLIBC_2.").flatMap { range in
          Int(line[range.upperBound...].prefix { $0.isNumber })
        }
      }
      #expect(
        code.glibc.flatMap { Int($0.split(separator: ".")[1]) } == versions.max(), "\(entry.path)")
    }
  }
}
