import ErlangTerm

/// The applications of a boot script: those that it loads, and those that it starts, in order.
///
/// Source: "script", SASL reference manual.
public struct BootScript: Equatable, Sendable {
  public struct Start: Equatable, Sendable {
    public var application: String
    public var type: OTPRelease.StartType
  }

  public var name: String
  public var version: String
  /// The applications loaded, as their resource files were when the script was made.
  public var loads: [ApplicationSpec]
  /// The applications started, in order.
  public var starts: [Start]

  /// Reads the bytes of a `.boot` file, which is a script in external term format.
  public init(bootFile bytes: [UInt8], file: String) throws(OTPReleaseError) {
    let term: Term
    do {
      term = try ExternalFormat.decode(bytes)
    } catch {
      throw .malformed(file: file, error)
    }
    try self.init(term, file: file)
  }

  /// Reads the bytes of a `.script` file, which is a script as text.
  public init(scriptFile bytes: [UInt8], file: String) throws(OTPReleaseError) {
    let terms = try OTPReleaseError.consult(bytes, file: file)
    guard terms.count == 1, let term = terms.first else {
      throw .unexpected(file: file, expected: .bootScript)
    }
    try self.init(term, file: file)
  }

  private init(_ term: Term, file: String) throws(OTPReleaseError) {
    guard let parts = term.tuple(tagged: "script"), parts.count == 2,
      let identity = parts.first?.tuple, identity.count == 2,
      let name = identity.first?.text, let version = identity.last?.text,
      let instructions = parts.last?.list
    else { throw .unexpected(file: file, expected: .bootScript) }
    (self.name, self.version) = (name, version)
    loads = []
    starts = []
    for instruction in instructions {
      guard read(instruction) else { throw .unexpected(file: file, expected: .bootScript) }
    }
  }

  /// Reads the applications that an instruction names. Kernel is passed to the application controller, not loaded by
  /// `application:load/1`.
  /// - Returns: false if the instruction has a wrong form.
  private mutating func read(_ instruction: Term) -> Bool {
    if let process = instruction.tuple(tagged: "kernelProcess"),
      let call = process.last?.tuple, call.first?.atom == "application_controller"
    {
      guard let spec = call.last?.list?.first.flatMap(ApplicationSpec.init) else { return false }
      loads.append(spec)
      return true
    }
    guard let call = instruction.tuple(tagged: "apply")?.first?.tuple, call.count == 3,
      call[0].atom == "application", let arguments = call[2].list
    else { return true }
    switch call[1].atom {
    case "load":
      guard let spec = arguments.first.flatMap(ApplicationSpec.init) else { return false }
      loads.append(spec)
    case "start_boot":
      guard let application = arguments.first?.atom, arguments.count <= 2,
        let type = arguments.count == 2 ? OTPRelease.StartType(arguments[1]) : .temporary
      else { return false }
      starts.append(Start(application: application, type: type))
    default: break
    }
    return true
  }
}
