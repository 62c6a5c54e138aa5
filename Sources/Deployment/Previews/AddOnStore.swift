import DiskReserve
import Events
import HomeLayout
import JSONText
import Posix

/// The add-ons of a preview, as a file in its folder. An add-on is in it before its hook is called, so that it is known
/// what must be removed one day.
public struct AddOnStore: Sendable {
  public struct AddOns: Codable, Equatable, Sendable {
    public struct AddOn: Codable, Equatable, Sendable {
      /// As app.json has it: `postgresql:small`.
      var plan: String
      var prefix: String?
      /// What its hook has printed; nil if that has not ended.
      var variables: [String: String]?
    }
    var format = HomeFormat.current
    /// By the name of their hooks.
    var addons: [String: AddOn] = [:]

    var isEmpty: Bool { addons.isEmpty }

    var variables: [String: String] {
      addons.sorted { $0.key < $1.key }.reduce(into: [:]) { all, addon in
        all.merge(addon.value.variables ?? [:]) { first, _ in first }
      }
    }
  }

  private let file: String

  public init(home: Home, app: String) { file = home.app(app).addOns }

  public func load() throws(Cause) -> AddOns {
    let bytes: [UInt8]?
    do throws(PosixError) { bytes = try Files.readIfThere(file, limit: 1 << 20) } catch {
      throw Cause(error)
    }
    guard let bytes else { return AddOns() }
    guard let addons = try? JSON.decode(AddOns.self, from: bytes) else {
      throw Cause(
        .addOn, "'\(file)' is damaged", remedy: "Remove the add-ons by hand, then the file.")
    }
    guard addons.format <= HomeFormat.current else {
      throw Cause(.formatNewer, "'\(file)' has format \(addons.format)")
    }
    return addons
  }

  func save(_ addons: AddOns) throws(Cause) {
    do throws(PosixError) {
      try Files.makeDurableFolder(Files.parent(of: file))
      try Files.replace(file, with: JSON.encode(addons))
    } catch { throw Cause(error) }
  }
}
