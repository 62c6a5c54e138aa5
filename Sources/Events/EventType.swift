import JSONText

/// The types of events in the log. Types are only added; none ever gets a second meaning.
public enum EventType: String, CaseIterable, Codable, Sendable {
  case buildStarted = "build.started"
  case buildStep = "build.step"
  case buildFinished = "build.finished"
  case buildFailed = "build.failed"
  case slugStored = "slug.stored"
  case slugRemoved = "slug.removed"
  case releaseCreated = "release.created"
  case deploymentStarted = "deployment.started"
  case deploymentStep = "deployment.step"
  case deploymentFinished = "deployment.finished"
  case deploymentFailed = "deployment.failed"
  case deploymentReverted = "deployment.reverted"
  case instanceStarting = "instance.starting"
  case instanceBooting = "instance.booting"
  case instanceReady = "instance.ready"
  case instanceUnready = "instance.unready"
  case instanceCrashed = "instance.crashed"
  case instanceAbandoned = "instance.abandoned"
  case instanceOrphaned = "instance.orphaned"
  case instanceStopping = "instance.stopping"
  case instanceStopped = "instance.stopped"
  case appSlept = "app.slept"
  case appWoke = "app.woke"
  case clusterSplit = "cluster.split"
  case clusterJoined = "cluster.joined"
  case nodeUp = "node.up"
  case nodeDown = "node.down"
  case deployRequested = "deploy.requested"
  case restartRequested = "restart.requested"
  case rollbackRequested = "rollback.requested"
  case scaleRequested = "scale.requested"
  case stopRequested = "stop.requested"
  case configRequested = "config.requested"
  case promoteRequested = "promote.requested"
  case limitsRequested = "limits.requested"
  case maintenanceRequested = "maintenance.requested"
  case domainsRequested = "domains.requested"
  case routeRequested = "route.requested"
  case routerRequested = "router.requested"
  case certificatesRequested = "certificates.requested"
  case certificateFailed = "certificate.failed"
  case previewsRequested = "previews.requested"
  case previewConfigRequested = "preview.config.requested"
  case previewOpenRequested = "preview.open.requested"
  case previewRenewRequested = "preview.renew.requested"
  case previewCloseRequested = "preview.close.requested"
  case nodeActionRequested = "node.action.requested"
  case slugGCRequested = "slug.gc.requested"
  case cancelRequested = "cancel.requested"
  case requestAccepted = "request.accepted"
  case requestFinished = "request.finished"
  case requestFailed = "request.failed"
  case requestRejected = "request.rejected"
  case requestRefused = "request.refused"
  case configChanged = "config.changed"
  case previewOpened = "preview.opened"
  case previewRenewed = "preview.renewed"
  case previewClosed = "preview.closed"
  case agentStarted = "agent.started"
  case agentStopped = "agent.stopped"
  case logRepaired = "log.repaired"

  static let table = KeyTable<Self>()

  /// A lookup by hash; the compiler's own initialiser compares one name after another.
  public init?(rawValue: String) {
    var text = rawValue
    guard let type = text.withUTF8({ Self.table.find($0) }) else { return nil }
    self = type
  }

  /// Whether the event is a request, which exactly one outcome must end.
  public var isRequest: Bool { rawValue.hasSuffix(".requested") }

  /// Whether the event may use the space reserved for a full disk. Events of builds may not; those
  /// of operators and the agent may.
  public var mayUseReserve: Bool { !rawValue.hasPrefix("build.") }

  /// The fields that an event must have for the board to fold it.
  public var required: [EventData.Field] {
    switch self {
    case .buildStarted, .buildStep, .buildFailed: [.build]
    case .buildFinished: [.build, .slug]
    case .slugStored, .slugRemoved: [.slug]
    case .releaseCreated: [.release, .slug, .config]
    case .deploymentStarted, .deploymentStep, .deploymentFinished: [.release]
    case .deploymentFailed, .deploymentReverted: [.release, .cause]
    case .instanceStarting: [.instance, .release]
    case .instanceBooting, .instanceReady, .instanceOrphaned, .instanceStopping, .instanceStopped:
      [.instance, .run]
    case .instanceUnready, .instanceCrashed, .instanceAbandoned: [.instance, .run, .cause]
    case .clusterSplit: [.cause]
    case .nodeUp, .nodeDown: [.node]
    case .deployRequested: [.slug, .by, .deadline]
    case .scaleRequested: [.formation, .by, .deadline]
    case .configRequested: [.config, .by, .deadline]
    case .promoteRequested: [.slug, .origin, .by, .deadline]
    case .limitsRequested: [.limits, .by, .deadline]
    case .maintenanceRequested, .routerRequested: [.action, .by, .deadline]
    case .certificateFailed: [.domain, .cause]
    case .domainsRequested, .certificatesRequested: [.domain, .action, .by, .deadline]
    case .routeRequested: [.settings, .by, .deadline]
    case .previewsRequested: [.settings, .by, .deadline]
    case .previewOpenRequested: [.parent, .pull, .slug, .by, .deadline]
    case .previewRenewRequested: [.lease, .by, .deadline]
    case .previewConfigRequested: [.config, .by, .deadline]
    case .restartRequested, .rollbackRequested, .stopRequested, .previewCloseRequested,
      .slugGCRequested, .cancelRequested:
      [.by, .deadline]
    case .nodeActionRequested: [.node, .action, .by, .deadline]
    case .requestAccepted, .requestFinished: [.request]
    case .requestFailed, .requestRejected: [.request, .cause]
    case .requestRefused: [.action, .by, .cause]
    case .configChanged: [.config]
    case .appSlept, .appWoke, .previewOpened, .previewRenewed, .previewClosed, .agentStarted,
      .agentStopped,
      .clusterJoined, .logRepaired:
      []
    }
  }
}
