import CommandLine
import Events
import ReleaseModel

struct SlugDescription {
  private let manifest: Manifest
  private let head: [[String]]

  init(_ id: String, _ manifest: Manifest, _ provenance: Provenance?) {
    self.manifest = manifest
    let files = manifest.files.filter { $0.kind == .file }.count
    var rows = [["slug", id], ["size", "\(ByteCount.text(manifest.size)) in \(files) files"]]
    if let provenance {
      let built = [provenance.time.map { "\($0)" }, provenance.by.map { "by \($0)" }]
      rows.append(["built", built.compactMap { $0 }.joined(separator: " ")])
      if let place = provenance.place { rows.append(["built in", place]) }
      if let commit = provenance.commit {
        rows.append(["commit", "\(commit.prefix(12)) \(provenance.line ?? "")"])
      }
    }
    let target = manifest.target
    let glibc = target.glibc.map { ", glibc \($0) or newer" } ?? ""
    rows.append(["target", "\(target.os) on \(target.arch)\(glibc)"])
    if let libraries = target.libraries, !libraries.isEmpty {
      rows.append(["libraries", libraries.joined(separator: ", ")])
    }
    let tools = manifest.tools.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    if !tools.isEmpty { rows.append(["tools", tools.joined(separator: ", ")]) }
    if let debugInfo = manifest.debugInfo { rows.append(["debug info", debugInfo.rawValue]) }
    head = rows
  }

  var lines: [String] {
    var lines = Table.lines(head)
    lines += section("processes", manifest.processes.map { [$0.process, $0.command] })
    lines += section("config vars", variables)
    lines += section("read when it was compiled", compileEnv)
    lines += section("migrations", migrations)
    for release in manifest.otpReleases { lines += describe(release) }
    return lines
  }

  private func section(_ name: String, _ rows: [[String]]) -> [String] {
    rows.isEmpty ? [] : ["", name] + Table.lines(rows).map { "  " + $0 }
  }

  /// The config vars, with those that a boot needs first.
  private var variables: [[String]] {
    let order: [Manifest.Variable.Need] = [.required, .conditional, .optional]
    return order.flatMap { need in
      (manifest.variables ?? []).filter { $0.need == need }
        .map { [$0.name, $0.need.rawValue, "\($0.file):\($0.line)"] }
    }
  }

  private var compileEnv: [[String]] {
    (manifest.compileEnv ?? []).map { ["\($0.application) \($0.key)", "by \($0.reader)"] }
  }

  private var migrations: [[String]] {
    (manifest.migrations ?? []).map { [$0.application, "\($0.folder)/\($0.name)"] }
  }

  private func describe(_ release: OTPRelease) -> [String] {
    let folder = release.folder.map { " in \($0)" } ?? ""
    let title =
      "OTP release \(release.name) \(release.version)\(folder), ERTS \(release.ertsVersion), "
      + "made by \(release.kind.rawValue)"
    let ordered = release.applications.filter { $0.order != nil }
      .sorted { $0.order ?? 0 < $1.order ?? 0 }
    let rest = release.applications.filter { $0.order == nil }
    let rows =
      ordered.map { ["\($0.order ?? 0)", $0.name, $0.version, $0.startType.rawValue] }
      + rest.map { ["–", $0.name, $0.version, $0.startType.rawValue] }
    return ["", title] + Table.lines(rows).map { "  " + $0 }
  }
}
