import HomeLayout
import Posix

extension RouterStatus {
  /// The status in the router's folder; nil if there is none, or it cannot be read.
  public init?(of folder: RouterFolder) {
    guard let bytes = (try? Files.readIfThere(folder.status, limit: 65_536)).flatMap({ $0 }) else {
      return nil
    }
    self.init(text: String(decoding: bytes, as: UTF8.self))
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
