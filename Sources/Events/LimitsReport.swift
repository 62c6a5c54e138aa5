/// The limits of an app as `relctl limits --json` prints them.
public struct LimitsReport: Hashable, Codable, Sendable {
  public var app: String
  public var limits: [Limit]
  /// What is in force for each live run.
  public var instances: [Instance]
  /// Why some limits are not enforced on this host; nil if all are.
  public var cause: Cause?

  public struct Limit: Hashable, Codable, Sendable {
    public var limit: Limits.Name
    /// In the units of `Limits`; nil for none.
    public var value: Int?
    /// Whether this host enforces it.
    public var enforced: Bool
  }

  public struct Instance: Hashable, Codable, Sendable {
    public var instance: InstanceName
    public var run: UInt64
    /// The limits that the kernel holds the run to; nil if it has no control group.
    public var limits: Limits?
    /// Bytes of memory, and processes and threads, that it uses.
    public var memory: Int?
    public var pids: Int?

    public init(
      _ run: Board.Run, limits: Limits? = nil, memory: Int? = nil, pids: Int? = nil
    ) {
      (instance, self.run, self.limits) = (run.instance, run.id, limits)
      (self.memory, self.pids) = (memory, pids)
    }
  }

  public init(
    _ app: Board.App, enforced: Set<Limits.Name>, instances: [Instance], cause: Cause?
  ) {
    self.app = app.name
    limits = Limits.Name.allCases.map { name in
      Limit(limit: name, value: app.limits?[name], enforced: enforced.contains(name))
    }
    (self.instances, self.cause) = (instances, cause)
  }
}
