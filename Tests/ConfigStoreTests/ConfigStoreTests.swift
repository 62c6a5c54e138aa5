import ConfigStore
import Events
import HomeLayout
import Posix
import Redaction
import TestSupport
import Testing

@Suite struct ConfigStoreTests {
  let folder: TemporaryFolder
  let home: Home
  let store: ConfigSets
  let values = ConfigSet(
    ["DATABASE_URL": "ecto://u:secret@db/x", "EMPTY": "", "ÖDD": "a\nb\u{0}«\"\\", "PIN": "4711"],
    secret: ["PIN"])

  init() throws {
    folder = try TemporaryFolder("config")
    home = Home(root: folder.path + "/home")
    store = ConfigSets(home: home, app: "demo")
  }

  func refusal(_ digest: String) -> String? {
    do throws(Cause) {
      _ = try store.load(digest)
      return nil
    } catch { return error.id }
  }

  @Test func roundTrip() throws {
    let digest = try store.save(values)
    #expect(try store.load(digest) == values)
    #expect(try store.save(values) == digest)
    let empty = try store.save(ConfigSet())
    #expect(try store.load(empty) == ConfigSet() && empty != digest)
    let configs = home.app("demo").configs
    #expect(try Files.list(configs) == [digest, empty].sorted())
    #expect(try Files.info(configs + "/" + digest)?.mode == 0o600)
    #expect(try Files.info(home.secret)?.mode == 0o600)
  }

  /// A set in which nothing is marked has the file, and so the digest, it always had.
  @Test func marksAreKeptAndOldFilesHaveNone() throws {
    let marked = try store.save(ConfigSet(["A": "1"], secret: ["A", "GONE"]))
    let plain = try store.save(ConfigSet(["A": "1"]))
    let texts = try [marked, plain].map {
      String(decoding: try Files.read(home.app("demo").config($0)), as: UTF8.self)
    }
    #expect(
      texts == [
        #"{"format":1,"secret":["A"],"values":{"A":"1"}}"#, #"{"format":1,"values":{"A":"1"}}"#,
      ])
    #expect(try store.load(marked).secret == ["A"] && store.load(plain).secret == [])
  }

  /// A digest must not allow its reader to try out values.
  @Test func digestsAreKeyed() throws {
    let digest = try store.save(values)
    let bytes = try Files.read(home.app("demo").config(digest))
    #expect(digest != Hex.encode(SHA256.digest(bytes)))
    let other = ConfigSets(home: Home(root: folder.path + "/other"), app: "demo")
    #expect(try other.save(values) != digest)
  }

  @Test func whatIsNotAsStoredIsRefused() throws {
    let digest = try store.save(values)
    let path = home.app("demo").config(digest)
    var bytes = try Files.read(path)
    bytes[bytes.count / 2] ^= 1
    try Files.replace(path, with: bytes)
    let unknown = String(repeating: "0", count: 64)
    let cases = [digest, unknown, "", "../../../secret", String(repeating: "/", count: 64)]
    #expect(cases.map(refusal) == Array(repeating: "RT-CONFIG-DAMAGED", count: cases.count))
    #expect(try store.save(values) == digest)
    #expect(try store.load(digest) == values, "the remedy does not help")
    let newer = Array(#"{"format":2,"values":{}}"#.utf8)
    let key = try Files.read(home.secret)
    let name = Hex.encode(SHA256.authenticate(newer, key: key))
    try Files.replace(home.app("demo").config(name), with: newer)
    #expect(refusal(name) == "RT-FORMAT-NEWER")
  }

  @Test func names() {
    func isRefused(_ name: String) -> Bool {
      do throws(Cause) {
        try ConfigSets.check(name: name, reserved: ["PORT", "RELEASE_COOKIE"])
        return false
      } catch { return error.id == "RT-CONFIG-NAME" && error.remedy != nil }
    }
    let refused = ["", "1A", "A-B", "A B", "A=B", "É", "PORT", "RELEASE_COOKIE"]
    #expect((refused + [String(repeating: "A", count: 129)]).filter { !isRefused($0) } == [])
    #expect(["A", "_a", "SECRET_KEY_BASE", "a1"].filter(isRefused) == [])
  }
}
