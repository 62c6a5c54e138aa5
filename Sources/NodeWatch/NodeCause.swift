import ErlangDistribution
import Events

extension Cause {
  /// The reason why a node cannot be reached, as a sentence.
  public init(_ error: DistributionError) {
    self.init(error.problem, error.sentence, remedy: error.remedy)
  }

  public init(_ problem: Cookie.FileProblem) {
    self.init(.cookieFile, problem.sentence, remedy: problem.remedy)
  }
}

extension DistributionError {
  var problem: ProblemID {
    switch self {
    case .hostUnknown, .noEPMD, .notRegistered, .unreachable, .closed, .system: .nodeUnreachable
    case .tooSlow, .silent: .nodeSilent
    case .wrongCookie: .nodeCookie
    case .notAllowed, .tooOld, .otherNode: .nodeRefused
    case .malformed: .nodeProtocol
    case .tls: .nodeTLS
    }
  }
}
