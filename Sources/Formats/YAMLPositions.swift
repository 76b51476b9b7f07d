/// Fills a document's `PositionMap` while the parser goes down and up.
struct YAMLPositions {
    private(set) var map = PositionMap()
    private var path: [PathElement] = []
    private var numbers: [Int] = []
    /// While this is above zero a key is being read: what is inside of it has no path.
    private var suspensions = 0

    init() { numbers = [map.add(nil, below: -1, key: nil, value: SourcePosition(line: 1, column: 1))] }

    /// Goes down into a member or element; its value's position is corrected by `begin` once it is known.
    mutating func enter(_ element: PathElement, at place: SourcePosition) {
        if suspensions > 0 { return }
        let parent = numbers.last ?? 0
        let isKey = if case .key = element { true } else { false }
        path.append(element)
        if isKey, let before = map.number(of: element, below: parent) {
            map.duplicates.append(.init(path: path, first: map.field(numbered: before).key ?? place, again: place))
        }
        numbers.append(map.add(element, below: parent, key: isKey ? place : nil, value: place))
    }

    mutating func begin(at place: SourcePosition) {
        if suspensions == 0, let number = numbers.last { map.setValue(place, ofFieldNumbered: number) }
    }

    mutating func leave() {
        if suspensions > 0 { return }
        numbers.removeLast()
        path.removeLast()
    }

    mutating func suspend() { suspensions += 1 }
    mutating func resume() { suspensions -= 1 }
}
