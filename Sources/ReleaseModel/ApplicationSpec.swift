import ErlangTerm

/// The content of an application resource file (`NAME.app`).
///
/// Source: "app", Kernel reference manual. Boot scripts hold the same term for each application that they load.
public struct ApplicationSpec: Equatable, Sendable {
  public var name: String
  /// Empty if the file has none.
  public var version: String
  public var description: String
  public var moduleCount: Int
  public var registered: [String]
  /// The applications that must be started before it.
  public var applications: [String]
  /// Those of `applications` that may be missing (OTP 24).
  public var optionalApplications: [String]
  /// Loaded with it and started by it.
  public var includedApplications: [String]
  /// The module that starts it (`mod`); a library application has none.
  public var callbackModule: String?
  /// The configuration keys that its code read at compile time: Elixir's `compile_env`.
  public var compileEnv: [CompileKey]

  public struct CompileKey: Hashable, Sendable {
    public var application: String
    /// As the argument of `Application.compile_env/2`: `:key`, or `[:key, :inner]`.
    public var path: String
  }

  /// From `{application, Name, Properties}`; `nil` if the term is something else, or a property is not of its type.
  init?(_ term: Term) {
    guard let parts = term.tuple(tagged: "application"), parts.count == 2,
      let name = parts.first?.atom, let properties = parts.last, properties.list != nil,
      let registered = Self.names(properties.property("registered")),
      let applications = Self.names(properties.property("applications")),
      let optional = Self.names(properties.property("optional_applications")),
      let included = Self.names(properties.property("included_applications"))
    else { return nil }
    self.name = name
    version = properties.property("vsn")?.text ?? ""
    description = properties.property("description")?.text ?? ""
    moduleCount = properties.property("modules")?.list?.count ?? 0
    (self.registered, self.applications) = (registered, applications)
    optionalApplications = optional
    includedApplications = included
    callbackModule = properties.property("mod")?.tuple?.first?.atom
    compileEnv = (properties.property("compile_env")?.list ?? []).compactMap(CompileKey.init)
  }

  /// Reads the bytes of a `.app` file, which must describe the application `name`.
  public init(
    appFile bytes: [UInt8], name: String, file: String
  ) throws(OTPReleaseError) {
    let terms = try OTPReleaseError.consult(bytes, file: file)
    guard terms.count == 1, let term = terms.first, let spec = ApplicationSpec(term),
      spec.name == name
    else { throw .unexpected(file: file, expected: .applicationResource(name: name)) }
    self = spec
  }

  /// Atoms of a list; an absent property is an empty list.
  private static func names(_ term: Term?) -> [String]? {
    guard let term else { return [] }
    guard let elements = term.list else { return nil }
    let names = elements.compactMap(\.atom)
    return names.count == elements.count ? names : nil
  }
}

extension ApplicationSpec.CompileKey {
  /// From `{Application, Path, Return}`; the value in `Return` is ignored.
  fileprivate init?(_ term: Term) {
    guard let parts = term.tuple, parts.count == 3, let name = parts[0].atom,
      let keys = parts[1].list?.map(Self.text), let first = keys.first
    else { return nil }
    application = name
    path = keys.count == 1 ? first : "[\(keys.joined(separator: ", "))]"
  }

  /// A key as text; an atom is written as in Elixir: `:key`, `Shop.Repo`.
  private static func text(_ key: Term) -> String {
    guard let name = key.atom else { return TextFormat.print(key) }
    if name.hasPrefix("Elixir.") { return String(name.dropFirst(7)) }
    let isPlain = name.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
        || "_@?!".unicodeScalars.contains($0)
    }
    let quoted = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return isPlain && !name.isEmpty ? ":" + name : ":\"\(quoted)\""
  }
}

extension OTPReleaseError {
  /// Reads the terms of a text file; an error names the file.
  static func consult(_ bytes: [UInt8], file: String) throws(OTPReleaseError) -> [Term] {
    do {
      return try TextFormat.consult(bytes)
    } catch {
      throw .malformed(file: file, error)
    }
  }
}
