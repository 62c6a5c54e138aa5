import Testing

@testable import Terminal

@Suite struct PaletteTests {
  @Test func readsATheme() throws {
    let palette = try Palette(
      theme: """
        # a comment

        title=#7aa2f7 bold
          ready   =  green\t
        selected = default on blue
        bad = bold bright-red on #101010 underline
        busy = on cyan\r
        text = default
        """, file: "mine.theme")
    #expect(
      palette[.title]
        == Style(foreground: .rgb(red: 0x7A, green: 0xA2, blue: 0xF7), attributes: .bold))
    #expect(palette[.ready] == Style(foreground: .named(2)))
    #expect(palette[.selected] == Style(background: .named(4)))
    #expect(
      palette[.bad]
        == Style(
          foreground: .named(9), background: .rgb(red: 16, green: 16, blue: 16),
          attributes: [.bold, .underline]))
    #expect(palette[.busy] == Style(background: .named(6)))
    #expect(palette[.key] == Palette.mono[.key])
  }

  @Test(arguments: [
    ("\ntitle", "t:2: the line is no 'role = look'", "write for example: title = #7aa2f7 bold"),
    ("title red", "t:1: the line is no 'role = look'", "write for example: title = #7aa2f7 bold"),
    ("title =", "t:1: 'title' has no look", "write for example: title = #7aa2f7 bold"),
    ("tilte = red", "t:1: there is no role 'tilte'", "did you mean 'title'?"),
    ("log-eror = red", "t:1: there is no role 'log-eror'", "did you mean 'log-error'?"),
    ("= red", "t:1: the line is no 'role = look'", nil),
    ("zebra = red", "t:1: there is no role 'zebra'", nil),
    ("bar = red\nbar = blue", "t:2: 'bar' is already set in line 1", "remove one of the two lines"),
    ("bar = gren", "t:1: 'gren' is no colour and no attribute", "did you mean 'green'?"),
    ("bar = \u{1B}[31m", "t:1: '�[31m' is no colour and no attribute", nil),
    (
      "bar = #12345", "t:1: '#12345' is no colour",
      "write six hexadecimal digits after '#', for example #7aa2f7"
    ),
    ("bar = #12345g", "t:1: '#12345g' is no colour", nil),
    ("bar = #+12345", "t:1: '#+12345' is no colour", nil),
    ("bar = red # x", "t:1: '#' is no colour", nil),
    (
      "bar = red blue", "t:1: 'blue' is one colour too many",
      "write for example: selected = white on blue bold"
    ),
    ("bar = red on blue red", "t:1: 'red' is one colour too many", nil),
    ("bar = red on", "t:1: no colour follows 'on'", nil),
    ("bar = on on blue", "t:1: 'on' is no colour and no attribute", nil),
  ])
  func refusesAThemeByLine(_ text: String, _ sentence: String, _ remedy: String?) {
    let error = #expect(throws: ThemeError.self) { try Palette(theme: text, file: "t") }
    #expect(error?.sentence == sentence)
    #expect(remedy == nil || error?.remedy == remedy)
  }

  @Test(arguments: BuiltInTheme.allCases)
  func bringsThemesThatNameEveryRole(_ theme: BuiltInTheme) throws {
    _ = try Palette(theme: theme.text, file: theme.file)
    let named = theme.text.split(separator: "\n").compactMap { line in
      line.hasPrefix("#") ? nil : line.split(separator: " ").first.map(String.init)
    }
    #expect(named == Role.allCases.map(\.rawValue))
  }

  /// The selection, and what is bad, can be told on every terminal.
  @Test(arguments: BuiltInTheme.allCases)
  func neverStatesByColorAlone(_ theme: BuiltInTheme) throws {
    let palette = try Palette(theme: theme.text, file: theme.file)
    let depths: [ColorDepth] = [.mono, .eight, .sixteen, .many]
    let alike = depths.filter { depth in
      [.selected, .focus, .bad, .match].contains {
        palette.appearance($0, depth: depth) == palette.appearance(.text, depth: depth)
      }
    }
    #expect(alike == [])
  }

  @Test(arguments: [
    (Color.standard, nil as UInt8?, nil as UInt8?, nil as UInt8?),
    (.named(1), 1, 1, 1), (.named(12), 12, 12, 4), (.named(200), 8, 8, 0),
    (.rgb(red: 0, green: 0, blue: 0), 16, 0, 0),
    (.rgb(red: 255, green: 255, blue: 255), 231, 15, 7),
    (.rgb(red: 0x87, green: 0xAF, blue: 0xFF), 111, 12, 7),
    (.rgb(red: 255, green: 0, blue: 0), 196, 9, 1),
    (.rgb(red: 0x8A, green: 0x8A, blue: 0x8A), 245, 8, 7),
    (.rgb(red: 12, green: 12, blue: 12), 232, 0, 0),
    (.rgb(red: 0, green: 0x5F, blue: 0xAF), 25, 4, 4),
  ])
  func mapsColors(_ color: Color, _ many: UInt8?, _ sixteen: UInt8?, _ eight: UInt8?) {
    let depths: [ColorDepth] = [.many, .sixteen, .eight, .mono]
    #expect(depths.map { $0.index(of: color) } == [many, sixteen, eight, nil])
  }

  @Test func keepsTextReadableWithFewColors() throws {
    let theme = "aside = bright-black\nready = bright-green\nselected = white on #101020"
    let palette = try Palette(theme: theme, file: "t")
    #expect(palette.appearance(.aside, depth: .eight) == Palette.Appearance(attributes: .dim))
    #expect(
      palette.appearance(.ready, depth: .eight)
        == Palette.Appearance(foreground: 2, attributes: .bold))
    #expect(
      palette.appearance(.selected, depth: .sixteen) == Palette.Appearance(attributes: .reverse))
    #expect(palette.appearance(.selected, depth: .mono) == Palette.Appearance(attributes: .reverse))
    #expect(ColorDepth(colors: -1) == .mono)
    #expect(
      [8, 16, 88, 256, 0x100_0000].map(ColorDepth.init(colors:)) == [
        .eight, .sixteen, .sixteen, .many, .many,
      ])
  }
}
