import Posix
import ReleaseModel

/// The project in a source tree: its builder and its folder.
public struct Project: Hashable, Sendable {
  public enum Builder: String, Sendable {
    case mix, rebar3

    var file: String {
      switch self {
      case .mix: "mix.exs"
      case .rebar3: "rebar.config"
      }
    }

    /// The output of `bin/detect`.
    var language: String {
      switch self {
      case .mix: "Elixir"
      case .rebar3: "Erlang"
      }
    }
  }

  /// The whole source tree: absolute, links resolved.
  public private(set) var source: String
  public let builder: Builder
  /// The project's own folder, relative to the source; empty if it is the source itself.
  public let place: String

  public var folder: String { place.isEmpty ? source : source + "/" + place }

  func at(_ source: String) -> Project {
    var copy = self
    copy.source = source
    return copy
  }

  /// Looks for a project at the top, then in subfolders, where there must be only one.
  public init(source: String, chosen: String? = nil) throws(BuildFailure) {
    guard Files.isFolder(source) else { throw .sourceMissing(source) }
    self.source = try BuildFailure.reading(Files.resolve(source))
    let found = Self.find(in: self.source, chosen: chosen)
    guard let first = found.first else { throw .unsupported(source: source, chosen: chosen) }
    guard found.count == 1 else { throw .severalProjects(found.map(\.place)) }
    (place, builder) = first
  }

  /// The output of `bin/detect`; nil if there is no project. It does not see config vars, so it does not choose between
  /// several projects; the build does.
  public static func detect(_ source: String) -> String? {
    find(in: source, chosen: nil).first?.builder.language
  }

  private typealias Found = (place: String, builder: Builder)

  private static func find(in source: String, chosen: String?) -> [Found] {
    if let chosen {
      let place = chosen.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
      let isInside = place.isEmpty || Manifest.isInside(place)
      return isInside ? builder(of: source, place).map { [(place, $0)] } ?? [] : []
    }
    if let builder = builder(of: source, "") { return [("", builder)] }
    // Searches as deep as `backend/` or `apps/web`. Deeper projects are usually copies that a tool has made.
    let near = folders(in: source, "")
    let nearest = projects(in: source, near)
    if !nearest.isEmpty { return nearest }
    return projects(in: source, near.flatMap { folders(in: source, $0) })
  }

  private static func projects(in source: String, _ places: [String]) -> [Found] {
    places.compactMap { place in builder(of: source, place).map { (place, $0) } }
  }

  private static func builder(of source: String, _ place: String) -> Builder? {
    let folder = place.isEmpty ? source : source + "/" + place
    return [.mix, .rebar3].first { Files.isFile(folder + "/" + $0.file) }
  }

  private static let passedOver: Set<String> = ["deps", "node_modules", "_build", "vendor", "test"]
  private static let mostFolders = 200

  private static func folders(in source: String, _ place: String) -> [String] {
    let folder = place.isEmpty ? source : source + "/" + place
    let names = (try? Files.list(folder, skippingOthers: true)) ?? []
    return names.filter { name in
      !name.hasPrefix(".") && !passedOver.contains(name)
        && (try? Files.info(folder + "/" + name))?.kind == .folder
    }.prefix(mostFolders).map { place.isEmpty ? $0 : place + "/" + $0 }
  }
}
