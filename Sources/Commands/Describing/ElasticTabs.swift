/// Text whose tabs are as wide as they need to be: the layout of Go's text/tabwriter with kubectl's settings (two spaces of padding).
///
/// A cell is what a tab ends; a column is made of the cells of consecutive lines at the same place, and is as wide as its widest cell. What
/// follows a line's last tab belongs to no column.
struct ElasticTabs {
    private static let padding = 2

    static func layout(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        // The text ends with a line break, not with an empty line.
        if lines.last == [""] { lines.removeLast() }
        var out = ""
        format(lines[...], [], &out)
        return out
    }

    private static func format(_ lines: ArraySlice<[String]>, _ widths: [Int], _ out: inout String) {
        let column = widths.count
        var start = lines.startIndex
        var at = lines.startIndex
        while at < lines.endIndex {
            guard column < lines[at].count - 1 else {
                at += 1
                continue
            }
            emit(lines[start..<at], widths, &out)
            start = at
            var width = 0
            while at < lines.endIndex, column < lines[at].count - 1 {
                width = max(width, lines[at][column].count + padding)
                at += 1
            }
            format(lines[start..<at], widths + [width], &out)
            start = at
        }
        emit(lines[start..<lines.endIndex], widths, &out)
    }

    private static func emit(_ lines: ArraySlice<[String]>, _ widths: [Int], _ out: inout String) {
        for line in lines {
            for (at, cell) in line.enumerated() { out += at < widths.count && at < line.count - 1 ? cell.padded(to: widths[at]) : cell }
            out += "\n"
        }
    }
}
