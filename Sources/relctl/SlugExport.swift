import CommandLine
import Events
import Posix
import SlugStore

extension Command {
  static let slugExport = Command(
    CommandSyntax(
      "slug export", "SLUG FILE|-", count: 2...2, "pack a slug for another host or platform",
      details: """
        A tar archive rooted at ./, packed with gzip, or with zstd where FILE ends in .zst. The same
        slug gives the same bytes of the tar. It is held against its manifest first. - is standard
        output. Take it in elsewhere with: relctl slug import FILE
        """,
      options: [Option("--zstd", "pack with zstd")])
  ) { call throws(Cause) in
    let store = StoredSlugs(home: try call.home())
    let (id, file) = (try store.find(call.positional(0)), call.positional(1))
    let isOutput = file == "-"
    if isOutput, call.context.isTerminal {
      throw Cause(.usage, "a slug is nothing for a terminal", remedy: "Name a file, or use a pipe.")
    }
    try store.touch(id)
    if let finding = store.verify(id)?.findings.first {
      throw Cause(
        .slugDamaged, "slug \(id.prefix(12)) is damaged: \(finding.sentence)",
        remedy: "See all with: relctl slug verify \(id.prefix(12))")
    }
    let isZstd = call.arguments.has("--zstd") || file.hasSuffix(".zst")
    let export = SlugExport(id, of: store, isZstd ? .zstd : .gzip)
    if isOutput {
      try export.write(to: call.context.output)
      return .success
    }
    let signals = try Cause.explaining(Signals([.hup, .int, .term]))
    if try export.write(to: call.context.absolute(file), interrupts: signals) { return .success }
    return Outcome(
      exitCode: ExitCode.interrupted, report: ["relctl: stopped; nothing was written"])
  }
}
