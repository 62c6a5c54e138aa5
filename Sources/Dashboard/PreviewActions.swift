import Events
import Operations

// What keys do in the Previews view.
extension Model {
  /// The previews of the list, filtered, by parent and number.
  var listedPreviews: [PreviewReport] {
    let reports = board.previews().compactMap { PreviewReport($0, now: clock.now) }
    let filter = position(of: .view(.previews)).filter
    if filter.isEmpty { return reports }
    return reports.filter { preview in
      filter.passes([
        preview.app, preview.state.rawValue, preview.by ?? "", preview.line ?? "",
        preview.cause?.sentence ?? "",
      ])
    }
  }

  var selectedPreview: PreviewReport? {
    listedPreviews.first { $0.app == selection.app }
  }

  private func preview() throws(DisabledReason) -> PreviewReport {
    guard let preview = selectedPreview else { throw .noPreview }
    return preview
  }

  mutating func renewPreview() throws(DisabledReason) {
    let lease = board.apps[try preview().app]?.preview?.lease ?? Board.Preview.usualLease
    try ask { app, _ in RenewPreview(app: app, lease: lease) }
  }

  mutating func pinPreview() throws(DisabledReason) {
    if try preview().pinned { throw .isPinned }
    try ask { app, _ in RenewPreview(app: app, lease: 0) }
  }

  mutating func closePreview() throws(DisabledReason) {
    _ = try preview()
    try ask { app, _ in ClosePreview(app: app) }
  }

  mutating func promotePreview() throws(DisabledReason) {
    let preview = try preview()
    let promote: Promote
    do throws(Refusal) {
      promote = try Promote(from: preview.app, to: preview.parent, on: board)
    } catch { throw .operation(error) }
    try ask { _, _ in promote }
  }

  func openPreview() throws(DisabledReason) -> [Effect] {
    guard let url = try preview().url else { throw .noAddress }
    return [.open(url: url)]
  }

  mutating func movePreview(by count: Int) {
    let previews = listedPreviews
    guard let index = previews.firstIndex(where: { $0.app == selection.app }) else { return }
    selection.app = previews[min(max(0, index.clampedAdding(count)), previews.count - 1)].app
  }

  /// In the Previews view a preview is selected.
  mutating func settlePreview() {
    guard view == .previews else { return }
    selection.node = nil
    let previews = listedPreviews
    if !previews.contains(where: { $0.app == selection.app }), let first = previews.first {
      selection.app = first.app
    }
  }
}
