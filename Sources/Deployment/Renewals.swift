import Events
import HomeLayout
import Posix

// Certificates that were ordered are ordered again before they end.
extension Agent {
  /// Milliseconds in which an order must end.
  private static let patience: Int64 = 600_000
  private static let day: Int64 = 86_400_000

  /// Starts `relctl certs renew` for each certificate that is due. Its outcome is an event.
  func renewCertificates() throws(Cause) {
    let (now, clock) = (Clock.monotonic(), Timestamp(milliseconds: Clock.now()))
    var next: Int64?
    for certificate in board.certificates ?? [] {
      guard let due = certificate.renewal else { continue }
      var left = min(due - clock, Self.day)
      if left <= 0, now >= renewing[certificate.name] ?? 0 {
        do throws(PosixError) {
          try startHelper(launcher.renewal(of: certificate.name), errors: .inherited)
        } catch { throw Cause(error) }
        renewing[certificate.name] = now + Self.patience
      }
      left = left <= 0 ? (renewing[certificate.name] ?? now) - now : left
      next = min(next ?? .max, now + max(1000, left))
    }
    loop.wake(.certificates, at: next)
  }
}
