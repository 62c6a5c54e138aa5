import Events
import HomeLayout
import JSONText

/// The origin of a slug: the facts that may differ between two builds of the same slug.
///
/// The store keeps it beside the slug, as `provenance.json`. It also travels inside a slug's tree, outside of the
/// slug's identity, so any program that handles the slug can change it.
public struct Provenance: Codable, Equatable, Sendable {
  public var format = HomeFormat.current
  /// When the slug was built; nil in the file that a build writes into the tree, so that two builds are the same.
  public var time: Timestamp?
  public var by: String?
  public var folder: String?
  public var commit: String?
  public var line: String?
  /// The folder in which the build's tools saw the source.
  public var place: String?
  /// Whether it was built from code of a fork; then no app gets it but previews of forks.
  public var fork: Bool?

  public init(
    time: Timestamp?, by: String?, folder: String?, commit: String?, line: String?,
    place: String? = nil
  ) {
    (self.time, self.by, self.folder, self.commit, self.line) = (time, by, folder, commit, line)
    self.place = place
  }

  /// The file's path in a slug's tree.
  public static let path = ".reltui/provenance.json"
  /// The most bytes of the file.
  public static let greatestSize = 64 << 10
  /// The most bytes of a text in it. path_resolution(7), `PATH_MAX`
  public static let longestText = 4095

  public var bytes: [UInt8] { JSON.encode(self) + [UInt8(ascii: "\n")] }

  /// Reads the file. Its texts come from outside, so they must be cleaned before they are shown.
  /// - Throws: `RT-FORMAT-NEWER` or `RT-SLUG-PROVENANCE`.
  public init(bytes: [UInt8]) throws(Cause) {
    struct Head: Decodable { var format: Int }
    if bytes.count > Self.greatestSize {
      throw Self.refusal("the file is longer than \(Self.greatestSize >> 10) KiB")
    }
    do {
      let head = try JSON.decode(Head.self, from: bytes)
      guard head.format <= HomeFormat.current else {
        throw Cause(.formatNewer, "\(Self.path) has format \(head.format)")
      }
      self = try JSON.decode(Provenance.self, from: bytes)
    } catch { throw (error as? Cause) ?? Self.refusal(JSON.explain(error)) }
    for (name, text) in texts where (text ?? "").utf8.count > Self.longestText {
      throw Self.refusal("its '\(name)' is longer than \(Self.longestText) bytes")
    }
  }

  private var texts: [(String, String?)] {
    [("by", by), ("folder", folder), ("commit", commit), ("line", line), ("place", place)]
  }

  /// The cause for a provenance that is refused.
  public static func refusal(_ fault: String) -> Cause {
    Cause(
      .slugProvenance, "\(path): \(fault)",
      remedy: "Build it again; or remove the file: a slug needs none.")
  }
}
