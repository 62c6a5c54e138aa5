import ErlangTerm
import Posix

/// The reason why a connection with a node failed or ended.
public enum DistributionError: Error, Hashable, Sendable {
  /// The host's name has no address.
  case hostUnknown(String)
  /// No EPMD answers there.
  case noEPMD(host: String, port: UInt16, Errno)
  case notRegistered(NodeName, epmd: UInt16)
  /// The port is closed, or a firewall drops our packets.
  case unreachable(NodeName, port: UInt16, Errno)
  /// A step took too long: resolving, asking EPMD, dialling or the handshake.
  case tooSlow(Step)
  case wrongCookie(NodeName)
  /// The node has refused the connection.
  case notAllowed(NodeName)
  /// A node older than OTP 23, or no node.
  case tooOld(NodeName)
  /// The node behind the port has another name.
  case otherNode(wanted: NodeName, found: String)
  /// The answer is not of the protocol.
  case malformed(Fault)
  case closed(Step)
  /// The node has sent nothing for so many seconds, not even a tick.
  case silent(seconds: Int)
  case system(PosixError)
  /// The program that speaks TLS for us ended.
  case tls(String)

  /// The step that the connection had reached.
  public enum Step: String, Hashable, Sendable {
    case resolving, asking, dialling, shaking, talking
  }

  public enum Fault: Hashable, Sendable {
    case frameTooLarge(bytes: Int, limit: Int)
    /// The program on EPMD's port is not EPMD.
    case portMapper(UInt16)
    case handshake(String)
    case unknownForm(UInt8)
    case control(String)
    case term(TermError)
    /// Our own message cannot be encoded in the protocol.
    case ours(TermError)

    var text: String {
      switch self {
      case .frameTooLarge(let bytes, let limit): "a frame of \(bytes) bytes, more than \(limit)"
      case .portMapper(let port): "an answer on port \(port) that is not from an epmd"
      case .handshake(let what): "a handshake with \(what)"
      case .unknownForm(let byte): "a frame that begins with \(byte)"
      case .control(let what): "a control message that is \(what)"
      case .term(let error): "a term that cannot be read: \(error)"
      case .ours(let error): "\(error)"
      }
    }
  }

  /// One sentence, without a full stop.
  public var sentence: String {
    switch self {
    case .hostUnknown(let host): "the host '\(host)' has no address"
    case .noEPMD(let host, let port, let errno): "no epmd answers on \(host):\(port): \(errno)"
    case .notRegistered(let node, let port):
      "the epmd of \(node.host) (port \(port)) knows no node '\(node.name)'"
    case .unreachable(let node, let port, let errno):
      "\(node) cannot be reached on port \(port): \(errno)"
    case .tooSlow(let step): Self.slow(step)
    case .wrongCookie(let node): "\(node) does not accept our cookie"
    case .notAllowed(let node): "\(node) allows us no connection"
    case .tooOld(let node): "\(node) does not speak the protocol of OTP 25 or later"
    case .otherNode(let wanted, let found): "the node behind the port of \(wanted) is '\(found)'"
    case .malformed(.ours(let error)): "it cannot be sent to a node: \(error)"
    case .malformed(let fault): "the other side sent \(fault.text)"
    case .closed(let step): Self.closing(step)
    case .silent(let seconds): "the node has said nothing for \(seconds) s"
    case .system(let error): "\(error)"
    case .tls(let text): "TLS was not established: \(text)"
    }
  }

  private static func slow(_ step: Step) -> String {
    switch step {
    case .resolving: "the host's address was not found in time"
    case .asking: "the epmd does not answer in time"
    case .dialling: "the host does not answer in time"
    case .shaking: "the node accepts connections but does not answer"
    case .talking: "the node does not answer"
    }
  }

  private static func closing(_ step: Step) -> String {
    switch step {
    case .resolving, .asking: "the epmd closed the connection"
    case .dialling, .shaking: "the node closed the connection before it was made"
    case .talking: "the node closed the connection"
    }
  }

  public var remedy: String? {
    switch self {
    case .hostUnknown: "Write the host as the node itself does, or its address."
    case .noEPMD:
      "Give the node's own port, NAME@HOST:PORT, or name the epmd's with ERL_EPMD_PORT."
    case .notRegistered: "See what runs there: relctl node list"
    case .unreachable: "See whether the node runs and on which address it listens."
    case .tooSlow(.shaking), .tooSlow(.talking), .silent:
      "It may be suspended or overloaded; it is tried again."
    case .tooSlow: "See whether the host is up and a firewall lets you through."
    case .wrongCookie: "Name the node's own: --cookie-file FILE"
    case .notAllowed: "The node lets in only certain nodes: net_kernel:allow/1."
    case .tooOld: "It must run OTP 25 or later."
    case .otherNode: "Another node has taken the port, or the name is misspelt."
    case .malformed(.ours): nil
    case .malformed: "Something else than a node listens there, or the node is too new."
    case .closed, .system: nil
    case .tls: "Name the node's own file of TLS options: --tls-options FILE"
    }
  }
}
