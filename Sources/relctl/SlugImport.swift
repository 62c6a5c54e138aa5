import CommandLine
import Disk
import Journal
import Posix
import ReleaseModel
import SlugStore

extension Verb {
  static let slugImport = Verb(
    Command(
      "slug import", "FILE|DIR", count: 1...1, "take in a slug that was built elsewhere",
      details: """
        DIR is the slug's tree, or holds it as app/. FILE is a tar archive of that, plain or packed
        with gzip or zstd: unpacked at most \(SlugArchive.greatestSize >> 30) GiB in \
        \(SlugArchive.mostEntries) entries. The tree must be what
        its manifest says. Events of its build that it carries go into the log, once.
        """,
      options: [.json])
  ) { call throws(Cause) in try SlugImport(call: call).run() }
}

/// Takes a slug into the home, and its build's events into the log.
private struct SlugImport {
  let call: Call

  func run() throws(Cause) -> Outcome {
    try Ballast(home: call.home()).requireSpace()
    let path: String
    do throws(PosixError) { path = try Files.resolve(call.context.absolute(name)) } catch {
      throw Cause(.sourceMissing, "cannot import '\(name)': \(error.errno)")
    }
    if Files.isFolder(path) {
      return try take(try SlugTree.find(in: path, called: name), from: path)
    }
    return try unpackAndTake(path)
  }

  /// What it was called.
  private var name: String { call.positional(0) }

  private func unpackAndTake(_ path: String) throws(Cause) -> Outcome {
    let signals: Signals
    do throws(PosixError) { signals = try Signals([1, 2, 15]) } catch { throw Cause(error) }
    let scratch = try call.home().builds + "/" + Random.hex(8)
    defer { try? Files.remove(scratch) }
    let isUnpacked = try SlugArchive(path, interrupts: signals).unpack(to: scratch)
    guard isUnpacked, signals.next() == nil else {
      return Outcome(
        exitCode: ExitCode.interrupted, report: ["relctl: stopped; nothing was imported"])
    }
    return try take(try SlugTree.find(in: scratch, called: name), from: path)
  }

  private func take(_ tree: SlugTree, from path: String) throws(Cause) -> Outcome {
    let home = try call.home()
    let bytes = try tree.record()
    let record = try bytes.map { bytes throws(Cause) in
      try SlugRecord(bytes: bytes, slug: tree.id)
    }
    let provenance = provenance(record, from: path)
    let (store, journal) = (SlugStore(home: home), Journal(home: home, program: "relctl"))
    var events = 0
    let stored = try store.store(tree, provenance: provenance) { stored throws(Cause) in
      // The record beside the slug says that its events are in the log.
      let new = store.hasRecord(stored.id) ? nil : record
      events = try journal.tell(
        of: told(stored, record, provenance), isNew: stored.isNew, record: new)
      if let bytes, new != nil { try store.keepRecord(bytes, of: stored.id) }
    }
    report(stored, events: events)
    return .success
  }

  private func told(
    _ stored: SlugStore.Stored, _ record: SlugRecord?, _ provenance: Provenance
  ) -> EventData {
    EventData {
      ($0.slug, $0.build, $0.by) = (stored.id, record?.build, call.user)
      ($0.folder, $0.commit) = (provenance.folder, provenance.commit)
    }
  }

  /// The build's own words where there are any; else the import is all that is known.
  private func provenance(_ record: SlugRecord?, from path: String) -> Provenance {
    let started = record?.events.first?.data
    return Provenance(
      time: record?.events.last?.time ?? Timestamp(milliseconds: Clock.now()),
      by: record == nil ? call.user : started?.by, folder: path, commit: started?.commit, line: nil)
  }

  private func report(_ stored: SlugStore.Stored, events: Int) {
    if call.wantsJSON {
      struct Imported: Encodable { var slug: String, events: Int }
      return call.print(json: Imported(slug: stored.id, events: events))
    }
    call.context.print("-----> Slug \(stored.id)")
    if !stored.isNew { call.context.print("       it was here already") }
    if events > 0 { call.context.print("       \(events) events of its build are in the log now") }
  }
}
