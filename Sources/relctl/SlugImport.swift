import Buildpack
import CommandLine
import DiskReserve
import Events
import HomeLayout
import Journal
import PlainText
import Posix
import Redaction
import ReleaseModel
import SlugStore

extension Command {
  static let slugImport = Command(
    CommandSyntax(
      "slug import", "FILE|DIR", count: 1...1, "take in a slug that was built elsewhere",
      details: """
        DIR is the slug's tree, or holds it as app/. FILE is a tar archive of that, plain or packed
        with gzip or zstd: unpacked at most \(SlugArchive.greatestSize >> 30) GiB in \
        \(SlugArchive.mostEntries) entries. The tree must be what
        its manifest says. Events of its build that it carries go into the log, once.
        """,
      options: [.json])
  ) { call throws(Cause) in
    let name = call.positional(0)
    try ReservedSpace(home: call.home()).requireSpace()
    let path: String
    do throws(PosixError) { path = try Files.resolve(call.context.absolute(name)) } catch {
      throw Cause(.sourceMissing, "cannot import '\(name)': \(error.errno)")
    }
    let slugImport = SlugImport(call: call, name: name, origin: path)
    if Files.isFolder(path) {
      slugImport.report(try slugImport.take(path))
    } else {
      slugImport.report(try slugImport.unpacking(path, slugImport.take))
    }
    return .success
  }
}

/// Takes a slug into the home, and its build's events into the log.
struct SlugImport {
  let call: CommandCall
  let name: String
  /// What the operator named: a folder or an archive.
  let origin: String

  struct Imported {
    var slug: String
    var isNew: Bool
    /// How many events of its build this import added to the log.
    var events: Int
  }

  /// Unpacks an archive into a folder that is removed when `work` is done.
  func unpacking<Made>(_ archive: String, _ work: (String) throws(Cause) -> Made) throws(Cause)
    -> Made
  {
    let signals = try Cause.explaining(Signals([.hup, .int, .term]))
    let stopped = Cause(
      .buildInterrupted, "stopped while unpacking '\(name)'; nothing was imported")
    guard let checked = try SlugArchive(archive, interrupts: signals).checked() else {
      throw stopped
    }
    return try BuildFolder.use(in: call.home(), Random.hex(8)) { folder throws(Cause) in
      let content = folder + "/content"
      guard try checked.unpack(to: content), signals.next() == nil else { throw stopped }
      return try work(content)
    }
  }

  /// Takes in the slug that a folder is or holds.
  func take(_ folder: String) throws(Cause) -> Imported {
    let tree = try SlugTree.find(in: folder, called: name)
    let home = try call.home()
    let bytes = try tree.record()
    let record = try bytes.map { bytes throws(Cause) in
      try SlugRecord(bytes: bytes, slug: tree.id)
    }
    let (store, journal) = (StoredSlugs(home: home), EventJournal(home: home, program: "relctl"))
    let provenance = provenance(try tree.provenance(), record, journal.mask())
    var events = 0
    let stored: StoredSlugs.Stored
    do throws(Cause) {
      stored = try store.store(tree, provenance: provenance) { stored throws(Cause) in
        // A record beside the slug means that its events are in the log already.
        let new = store.hasRecord(stored.id) ? nil : record
        events = try journal.tell(
          of: told(stored, record, provenance), isNew: stored.isNew, record: new)
        if let bytes, new != nil { try store.keepRecord(bytes, of: stored.id) }
      }
    } catch { throw explained(error) }
    return Imported(slug: stored.id, isNew: stored.isNew, events: events)
  }

  private func explained(_ error: Cause) -> Cause {
    guard error.id == ProblemID.slugDamaged.rawValue, error.remedy == nil else { return error }
    var error = error
    error.remedy =
      "'\(name)' was changed after it was built. Build it again; or remove "
      + "\(Files.parent(of: Manifest.path)) from it, and it is taken as any built OTP release."
    return error
  }

  private func told(
    _ stored: StoredSlugs.Stored, _ record: SlugRecord?, _ provenance: Provenance
  ) -> EventData {
    EventData {
      ($0.slug, $0.build, $0.by) = (stored.id, record?.build, call.user)
      ($0.folder, $0.commit, $0.line) = (provenance.folder, provenance.commit, provenance.line)
    }
  }

  /// The provenance in the slug, else in its record, else that of this import.
  private func provenance(_ said: Provenance?, _ record: SlugRecord?, _ mask: Redactor)
    -> Provenance
  {
    func fit(_ text: String?) -> String? { text.map { Printable.clean(mask($0)) } }
    let started = record?.events.first?.data
    let isUnknown = said == nil && record == nil
    return Provenance(
      time: said?.time ?? record?.events.last?.time ?? Timestamp(milliseconds: Clock.now()),
      by: isUnknown ? call.user : fit(said?.by ?? started?.by), folder: mask(origin),
      commit: fit(said?.commit ?? started?.commit), line: fit(said?.line), place: fit(said?.place))
  }

  fileprivate func report(_ imported: Imported) {
    if call.wantsJSON {
      struct Report: Encodable { var slug: String, events: Int }
      return call.print(json: Report(slug: imported.slug, events: imported.events))
    }
    call.context.print("-----> Slug \(imported.slug)")
    tell(imported)
  }

  /// Prints what the operator should know besides the slug's id.
  func tell(_ imported: Imported) {
    if call.wantsJSON { return }
    if !imported.isNew { call.context.print("       it was here already") }
    if imported.events > 0 {
      call.context.print("       \(imported.events) events of its build are in the log now")
    }
  }
}
