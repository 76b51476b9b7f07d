/// The order of a merged list, as Kubernetes defines it.
enum ElementOrder {
    /// Puts the mentioned elements into the order in which they are mentioned and weaves the others in between.
    ///
    /// Another element comes before a mentioned one only where both were in the `original` list in that sequence; so what is new comes first.
    static func arrange(
        _ elements: [Value], mentioned: [Value], original: [Value], mergeKey: String?, path: [String]
    ) throws(PatchError) -> [Value] {
        let places = try ranks(mentioned, mergeKey, path)
        let before = try ranks(original, mergeKey, path)
        var named: [(rank: Int, element: Value, text: String)] = []
        var others: [(rank: Int, element: Value, text: String)] = []
        for (element, text) in zip(elements, try identities(elements, by: mergeKey, path: path)) {
            if let rank = places[text] { named.append((rank, element, text)) } else { others.append((before[text] ?? .max, element, text)) }
        }
        sortStably(&named)
        sortStably(&others)
        var result: [Value] = []
        result.reserveCapacity(elements.count)
        var next = 0
        for other in others {
            while next < named.count {
                if let there = before[other.text], let mentioned = before[named[next].text], there < mentioned { break }
                result.append(named[next].element)
                next += 1
            }
            result.append(other.element)
        }
        result.append(contentsOf: named[next...].map(\.element))
        return result
    }

    /// The first of each scalar stays.
    static func withoutRepetitions(_ scalars: [Value]) -> [Value] {
        var seen: Set<String> = []
        return scalars.filter { seen.insert(identityText($0)).inserted }
    }

    private static func ranks(_ elements: [Value], _ mergeKey: String?, _ path: [String]) throws(PatchError) -> [String: Int] {
        var ranks: [String: Int] = [:]
        for (rank, text) in try identities(elements, by: mergeKey, path: path).enumerated() where ranks[text] == nil { ranks[text] = rank }
        return ranks
    }

    private static func sortStably(_ list: inout [(rank: Int, element: Value, text: String)]) {
        let order = list.indices.sorted { (list[$0].rank, $0) < (list[$1].rank, $1) }
        list = order.map { list[$0] }
    }
}
