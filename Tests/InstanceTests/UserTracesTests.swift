import Instance
import Posix
import TestSupport
import Testing

/// What a uid has left: its files go, those of others stay, also below a folder that is spared.
struct UserTracesTests {
  @Test func onlyItsFilesGo() throws {
    try #require(User.isRoot, "this test needs root, to make files of another user")
    let folder = try TemporaryFolder("traces")
    let (place, uid) = (folder.path + "/place", UInt32(2_147_480_001))
    try Files.makeFolder(place, mode: 0o777)
    for name in ["mine", "other", "open/foreign", "open/own", "spared*/inside/own"] {
      try folder.write("place/" + name, "x")
    }
    for name in ["mine", "open", "open/own", "spared*", "spared*/inside", "spared*/inside/own"] {
      try Files.setOwner(place + "/" + name, uid)
    }
    try Files.symbolicLink(to: folder.path + "/place/other", at: place + "/link")
    let traces = UserTraces(of: uid, sparing: place + "/spared*", in: [place, place + "/absent"])
    #expect(try traces.remove() > 0)
    // A folder that it owns goes with what others have put there.
    #expect(try Files.list(place).sorted() == ["link", "other", "spared*"])
    #expect(Files.exists(place + "/spared*/inside/own"))
    #expect(try traces.remove() == 0)
  }
}
