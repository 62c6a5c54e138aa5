/// What a host offers to the native code of a slug. What takes a look at the host is asked only when it matters.
public struct HostOffer: Sendable {
  public var os: String
  public var arch: String
  /// Its glibc; nil if that is not known.
  public var glibc: @Sendable () -> LibraryVersion?
  /// Whether it may run programs for another architecture than its own, because it emulates that one.
  public var mayRun: @Sendable (_ arch: String) -> Bool
  /// Whether its loader finds a shared library; nil if that is not known.
  public var hasLibrary: @Sendable (_ name: String) -> Bool?
  /// Whether a run finds a program of that name in the host's folders.
  public var hasProgram: @Sendable (_ name: String) -> Bool

  public init(
    os: String, arch: String, glibc: @escaping @Sendable () -> LibraryVersion? = { nil },
    mayRun: @escaping @Sendable (String) -> Bool = { _ in false },
    hasLibrary: @escaping @Sendable (String) -> Bool? = { _ in nil },
    hasProgram: @escaping @Sendable (String) -> Bool = { _ in true }
  ) {
    (self.os, self.arch, self.glibc, self.mayRun) = (os, arch, glibc, mayRun)
    (self.hasLibrary, self.hasProgram) = (hasLibrary, hasProgram)
  }
}

/// What one program or shared library needs from a host.
public struct NativeNeeds: Hashable, Sendable {
  public var architecture: String
  /// The lowest glibc that is enough; nil if it needs none.
  public var glibc: LibraryVersion?
  public var libraries: [String]
  /// Whether it names folders of its own in which the loader looks for libraries.
  public var hasFolders: Bool

  public init(
    architecture: String, glibc: LibraryVersion? = nil, libraries: [String] = [],
    hasFolders: Bool = false
  ) {
    (self.architecture, self.glibc) = (architecture, glibc)
    (self.libraries, self.hasFolders) = (libraries, hasFolders)
  }
}
