import CommandLine
import ReleaseModel
import SlugStore

extension Verb {
  static let slugList = Verb(
    Command("slug list", "", "show the slugs of this home", options: [.json])
  ) { call throws(Cause) in
    let store = SlugStore(home: try call.home())
    let ids = try store.list()
    if call.wantsJSON {
      call.print(json: ids)
      return .success
    }
    let rows = ids.map { id in
      let provenance = store.provenance(id)
      return [
        String(id.prefix(12)), provenance.map { "\($0.time)" } ?? "–",
        call.shown(provenance?.line ?? provenance?.folder ?? ""),
      ]
    }
    if !rows.isEmpty { call.context.print(trimmed(Table.render(rows))) }
    return .success
  }

  static let slugInspect = Verb(
    Command(
      "slug inspect", "SLUG", count: 1...1, "show what a slug says of itself",
      details: "With --json: its manifest, whole.", options: [.json])
  ) { call throws(Cause) in
    let store = SlugStore(home: try call.home())
    let id = try store.find(call.positional(0))
    let manifest = try store.manifest(id)
    if call.wantsJSON {
      call.print(json: manifest)
      return .success
    }
    for line in describe(id, manifest, store.provenance(id)) {
      call.context.print(call.shown(line))
    }
    return .success
  }

  private static func describe(_ id: String, _ manifest: Manifest, _ provenance: Provenance?)
    -> [String]
  {
    let files = manifest.files.filter { $0.kind == .file }
    let bytes = files.reduce(0) { $0 + ($1.size ?? 0) }
    var rows = [
      ["slug", id],
      ["size", "\(bytes / 1_000_000).\(bytes / 100_000 % 10) MB in \(files.count) files"],
      ["target", "\(manifest.target.os) on \(manifest.target.arch)"],
    ]
    if let provenance {
      rows.append(["built", "\(provenance.time)" + (provenance.by.map { " by \($0)" } ?? "")])
      if let commit = provenance.commit {
        rows.append(["commit", "\(commit.prefix(12)) \(provenance.line ?? "")"])
      }
    }
    for (tool, version) in manifest.tools.sorted(by: { $0.key < $1.key }) {
      rows.append([tool, version])
    }
    for entry in manifest.processes { rows.append([entry.process, entry.command]) }
    var lines = Table.render(rows).split(separator: "\n").map(String.init)
    for release in manifest.otpReleases {
      lines.append("")
      lines.append(
        "OTP release \(release.name) \(release.version), ERTS \(release.ertsVersion), made by \(release.kind.rawValue)"
      )
      let ordered = release.applications.filter { $0.order != nil }.sorted {
        $0.order ?? 0 < $1.order ?? 0
      }
      let table = ordered.map {
        ["  \($0.order ?? 0)", $0.name, $0.version, $0.startType.rawValue]
      }
      lines += Table.render(table).split(separator: "\n").map(String.init)
    }
    return lines
  }
}
