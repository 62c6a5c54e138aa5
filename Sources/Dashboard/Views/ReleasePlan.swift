import Events
import NodeModel
import ReleaseModel
import Terminal

/// The plan of a slug's manifest for the shown process type, which is shown while no node reports more.
struct ReleasePlan {
  /// Nil if the shown node belongs to no app of this home.
  var app: String?
  var release: Board.Release?
  var manifest: KnownManifest?
  /// The process type whose OTP release is shown.
  var process: String
  /// The node that should be shown, if there is one.
  var node: NodeReport?
  /// Whether the past is shown.
  var isPast: Bool

  /// The OTP release that the process type's command starts.
  var otp: OTPRelease? {
    guard case .read(let manifest)? = manifest else { return nil }
    return manifest.release(startedBy: process)
  }

  /// The plan and why it is shown; if there is no plan, the reason.
  var heading: [Cell] {
    guard let otp else { return reasonForNone }
    let number = release.map { " \($0.number)" } ?? ""
    let count = "\(otp.bootOrder.count) of \(otp.applications.count) applications start"
    return [
      Cell("\(app ?? "")\(number) · \(otp.name) \(otp.version) · ERTS \(otp.ertsVersion)"),
      Cell("\(count), as its manifest plans.", .aside), reason,
    ]
  }

  /// Why the plan is shown rather than the node.
  private var reason: Cell {
    if isPast { return Cell("What its nodes said then is not kept.", .aside) }
    guard let node else { return Cell("No node of it runs.", .aside) }
    return Cell("\(node.name): \(Wording.hindrance(of: node) ?? "Asking it …")", node.role)
  }

  private var reasonForNone: [Cell] {
    guard let app else {
      return node.map { [Cell($0.name), reason] } ?? [Cell(Wording.sentence(.noApp))]
    }
    guard let release else { return [Cell(Wording.sentence(.operation(.noRelease(app: app))))] }
    let slug = "slug \(release.slug.prefix(6))"
    switch manifest {
    case nil, .asked: return [Cell("Reading \(slug) …", .aside)]
    case .unreadable(let cause):
      return [Cell(cause.sentence, .bad)] + [cause.remedy.map { Cell($0) }].compactMap { $0 }
    case .read: return [Cell("\(slug) of \(app) holds no OTP release.")]
    }
  }
}
