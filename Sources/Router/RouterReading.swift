import HomeLayout
import Posix

extension RouterStatus {
  /// The status in the router's folder; nil if it has no living parent. If the status is damaged, this says only which
  /// process is the parent.
  public init?(of folder: RouterFolder) {
    for path in [folder.status, folder.lock] {
      guard let bytes = (try? Files.readIfThere(path, limit: 65_536)).flatMap({ $0 }),
        let status = RouterStatus(text: String(decoding: bytes, as: UTF8.self)),
        status.keeperLives
      else { continue }
      self = status
      return
    }
    return nil
  }

  public var keeperLives: Bool { keeperIdentity.isAlive }

  public var keeperIdentity: ProcessIdentity {
    ProcessIdentity(pid: keeper.pid, started: keeper.started)
  }

  /// Where an app is reached, such as `http://shop.localhost:8080`; nil if the app cannot be reached through the router.
  public func address(of app: String) -> String? {
    guard RouterConfig.hasAddress(app), let port = addresses.first?.split(separator: ":").last
    else {
      return nil
    }
    return "http://\(app).localhost:\(port)"
  }
}
