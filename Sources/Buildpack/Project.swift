import Posix
import ReleaseModel

/// The project in a source tree: what builds it, and where it lies.
public struct Project: Hashable, Sendable {
  /// Who builds it.
  public enum Builder: String, Sendable {
    case mix, rebar3

    /// The file that makes a folder a project.
    var file: String {
      switch self {
      case .mix: "mix.exs"
      case .rebar3: "rebar.config"
      }
    }

    /// What `bin/detect` prints.
    var language: String {
      switch self {
      case .mix: "Elixir"
      case .rebar3: "Erlang"
      }
    }
  }

  /// The whole source tree: absolute, links resolved.
  public let source: String
  public let builder: Builder
  /// The project's own folder, relative to the source; empty where it is the source itself.
  public let place: String

  public var folder: String { place.isEmpty ? source : source + "/" + place }

  /// The same project in a copy of its source.
  func at(_ source: String) -> Project {
    Project(source: source, builder: builder, place: place)
  }

  private init(source: String, builder: Builder, place: String) {
    (self.source, self.builder, self.place) = (source, builder, place)
  }

  /// Looks at the top first; a project in a subfolder is taken where there is just one.
  /// - Parameter chosen: the subfolder that somebody named.
  public init(source: String, chosen: String? = nil) throws(BuildFailure) {
    guard Files.isFolder(source) else { throw .sourceMissing(source) }
    do throws(PosixError) { self.source = try Files.resolve(source) } catch {
      throw .unreadable(error)
    }
    let found = Self.find(in: self.source, chosen: chosen)
    guard let first = found.first else { throw .unsupported(source: source, chosen: chosen) }
    guard found.count == 1 else { throw .severalProjects(found.map(\.place)) }
    (place, builder) = first
  }

  /// What `bin/detect` prints; nil where nothing can be built. It sees no config vars, so which of several projects
  /// is meant is for the build to ask.
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
    // As deep as `backend/` or `apps/web`; what is deeper was put there by a tool.
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

  /// Folders that are none of a project's own.
  private static let passedOver: Set<String> = ["deps", "node_modules", "_build", "vendor", "test"]
  /// A tree of somebody else may have any number.
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
