/// A style for every role.
public struct Palette: Equatable, Sendable {
  private var styles: [Role: Style]

  /// A palette without colours. Every theme starts from it, and a terminal without colours shows its
  /// attributes, so that the selected row can be seen there too.
  public static let mono = Palette(styles: [
    .aside: Style(attributes: .dim),
    .title: Style(attributes: .bold),
    .header: Style(attributes: .bold),
    .selected: Style(attributes: .reverse),
    .focus: Style(attributes: [.bold, .reverse]),
    .key: Style(attributes: .bold),
    .match: Style(attributes: [.bold, .underline]),
    .warning: Style(attributes: .bold),
    .bad: Style(attributes: [.bold, .underline]),
    .idle: Style(attributes: .dim),
    .added: Style(attributes: .bold),
    .removed: Style(attributes: .dim),
    .logDebug: Style(attributes: .dim),
    .logWarning: Style(attributes: .bold),
    .logError: Style(attributes: [.bold, .underline]),
  ])

  public subscript(role: Role) -> Style {
    get { styles[role, default: Style()] }
    set { styles[role] = newValue }
  }

  /// The appearance of a role on a terminal of this depth: colour numbers, nil for the terminal's own
  /// colour, and attributes.
  ///
  /// A background given in numbers is a fine shade: below 256 colours it would be lost or hide
  /// the text, so the role looks as it does without colours.
  public func appearance(_ role: Role, depth: ColorDepth) -> Appearance {
    let style = self[role]
    var isShade = false
    if case .rgb = style.background { isShade = depth != .many }
    guard depth != .mono, !isShade else {
      return Appearance(attributes: style.attributes.union(Self.mono[role].attributes))
    }
    var appearance = Appearance(
      foreground: depth.index(of: style.foreground),
      background: depth.index(of: style.background), attributes: style.attributes)
    if depth == .eight { appearance.keepReadable(style.foreground) }
    return appearance
  }

  /// How a role is shown on one terminal.
  public struct Appearance: Hashable, Sendable {
    public var foreground: UInt8?
    public var background: UInt8?
    public var attributes: Style.Attributes

    public init(
      foreground: UInt8? = nil, background: UInt8? = nil, attributes: Style.Attributes = []
    ) {
      (self.foreground, self.background, self.attributes) = (foreground, background, attributes)
    }

    /// Whether a blank with it looks like any other blank.
    public var isUnseenOnBlanks: Bool {
      background == nil && attributes.isDisjoint(with: [.underline, .reverse])
    }

    /// With eight colours a bright colour becomes its dark one in bold. Dark grey would become black
    /// and be invisible, so it becomes the terminal's own colour, dimmed.
    fileprivate mutating func keepReadable(_ color: Color) {
      if case .named(9...) = color { attributes.insert(.bold) }
      guard foreground == 0, background == nil || background == 0 else { return }
      foreground = nil
      attributes.insert(.dim)
    }
  }
}
