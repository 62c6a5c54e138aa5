import HomeLayout

// What accepted requests change in a preview, and in the settings for an app's previews.
extension Board.App {
  mutating func open(_ request: Board.Request, at moment: Timestamp) {
    let data = request.data
    guard let parent = data.parent, let pull = data.pull else { return }
    if preview == nil {
      preview = Board.Preview(
        parent: parent, pull: pull, isFork: data.fork == true, until: moment)
      limits = Board.Preview.limits
    }
    preview?.note(data.slug, at: moment)
    renew(data.lease ?? preview?.lease ?? Board.Preview.usualLease, isPush: true, at: moment)
    isStopped = false
    changed = moment
  }

  /// A push does not end that a preview is pinned; a renewal does.
  /// - Parameter lease: milliseconds; 0 pins the preview.
  mutating func renew(_ lease: Int64, isPush: Bool = false, at moment: Timestamp) {
    let isPinned = preview?.isPinned == true
    if lease <= 0 {
      preview?.until = nil
      return
    }
    let lease = min(max(lease, Board.Preview.leases.lowerBound), Board.Preview.leases.upperBound)
    preview?.lease = lease
    if !(isPush && isPinned) { preview?.until = moment + lease }
  }

  /// Settings that this version cannot read are left out.
  mutating func take(_ settings: [String: String]) {
    for (word, text) in settings {
      guard let setting = PreviewSetting(rawValue: word), setting.isValid(text) else { continue }
      switch setting {
      case .host: previewHost = text == "none" ? nil : text
      case .most: mostPreviews = Int(text)
      }
    }
  }
}

extension Board.Preview {
  mutating func note(_ slug: String?, at moment: Timestamp) {
    pushed = moment
    let others = (slugs ?? []).filter { $0 != slug }
    slugs = others.suffix(Self.mostSlugs) + [slug].compactMap { $0 }
  }

  /// A pull request of many pushes has had its older slugs removed or kept by others.
  private static let mostSlugs = 200

  mutating func open(at moment: Timestamp) { opened = opened ?? moment }
  mutating func close(at moment: Timestamp) { closing = closing ?? moment }
}

/// A setting for all previews of an app.
public enum PreviewSetting: String, CaseIterable, Sendable {
  /// The host below which they have addresses.
  case host
  /// How many there may be.
  case most

  public func isValid(_ text: String) -> Bool {
    switch self {
    case .host:
      text == "none"
        || Domain("*." + text).map { $0.host == "*." + text && $0.prefix.isEmpty } == true
    case .most: Int(text).map { (0...Board.Preview.mostOfHost).contains($0) } == true
    }
  }

  public var meaning: String {
    switch self {
    case .host: "the host below which they have addresses, such as previews.example.com; none"
    case .most:
      "how many there may be at a time, from 0 to \(Board.Preview.mostOfHost); \(Board.Preview.mostOfApp)"
    }
  }
}
