import Instance
import Posix
import ReleaseModel
import TestSupport
import Testing

@Suite struct ConfigStoreTests {
  let folder: TemporaryFolder
  let home: Home
  let store: ConfigStore
  let values = ["DATABASE_URL": "ecto://u:secret@db/x", "EMPTY": "", "ÖDD": "a\nb\u{0}«\"\\"]

  init() throws {
    folder = try TemporaryFolder("config")
    home = Home(root: folder.path + "/home")
    store = ConfigStore(home: home, app: "demo")
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
    let empty = try store.save([:])
    #expect(try store.load(empty) == [:] && empty != digest)
    let configs = home.app("demo").configs
    #expect(try Files.list(configs) == [digest, empty].sorted())
    #expect(try Files.info(configs + "/" + digest)?.mode == 0o600)
    #expect(try Files.info(home.secret)?.mode == 0o600)
  }

  /// Who reads a digest must not be able to try values out against it.
  @Test func digestsAreKeyed() throws {
    let digest = try store.save(values)
    let bytes = try Files.read(home.app("demo").config(digest))
    #expect(digest != Hex.encode(SHA256.digest(bytes)))
    let other = ConfigStore(home: Home(root: folder.path + "/other"), app: "demo")
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

  @Test func masksValuesOfAllSets() throws {
    _ = try store.save(["OLD": "old-password"])
    _ = try store.save([
      "NEW": "new-password", "LONG": "new-password-and-more", "SHORT": "1234567",
      "COMMON": "Production", "NUMBER": "1234567890",
    ])
    let mask = store.mask()
    let cases = [
      ("old-password, new-password!", "«OLD», «NEW»!"),
      ("new-password-and-more", "«LONG»"),
      ("old-passwold-password", "old-passw«OLD»"),
      ("1234567 Production 1234567890", "1234567 Production 1234567890"),
      ("", ""),
    ]
    for (text, masked) in cases { #expect(mask(text) == masked) }
    let cause = Cause(
      .crashed, "it said old-password", facts: ["a": "old-password"],
      evidence: [Cause.Evidence(kind: "log", place: "web.1", text: "old-password")])
    let texts = [mask(cause).sentence, mask(cause).facts["a"], mask(cause).evidence.first?.text]
    #expect(texts == ["it said «OLD»", "«OLD»", "«OLD»"])
  }

  @Test func names() {
    func isRefused(_ name: String) -> Bool {
      do throws(Cause) {
        try ConfigStore.check(name: name, reserved: RunSpecification.ownVariables)
        return false
      } catch { return error.id == "RT-CONFIG-NAME" && error.remedy != nil }
    }
    let refused = ["", "1A", "A-B", "A B", "A=B", "É", "PORT", "RELEASE_COOKIE"]
    #expect((refused + [String(repeating: "A", count: 129)]).filter { !isRefused($0) } == [])
    #expect(["A", "_a", "SECRET_KEY_BASE", "a1"].filter(isRefused) == [])
  }
}
