/// The candidate that was probably meant by a misspelt word; nil when none is near.
///
/// Near is an edit distance (insertions, deletions, substitutions, swapped neighbours; case does not count) of at most a third of the longer
/// word, and at least one edit for short ones. Of equally near candidates the first by name wins. Cost: one table a candidate.
package func nearest(_ word: String, among candidates: [String]) -> String? {
    let wanted = Array(word.lowercased().utf8.prefix(128))
    guard !wanted.isEmpty else { return nil }
    var best: (distance: Int, candidate: String)?
    for candidate in candidates {
        let letters = Array(candidate.lowercased().utf8.prefix(128))
        let allowed = max(1, max(wanted.count, letters.count) / 3)
        // A word of one letter is one edit from every other.
        guard abs(wanted.count - letters.count) <= allowed, min(wanted.count, letters.count) > 1 || wanted == letters else { continue }
        let distance = editDistance(wanted, letters)
        guard distance <= allowed, distance < max(wanted.count, letters.count) else { continue }
        if let best, (best.distance, best.candidate) <= (distance, candidate) { continue }
        best = (distance, candidate)
    }
    return best?.candidate
}

/// The optimal string alignment distance.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            let substitution = previous[j] + (a[i] == b[j] ? 0 : 1)
            var distance = min(substitution, previous[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { distance = min(distance, beforePrevious[j - 1] + 1) }
            row.append(distance)
        }
        beforePrevious = previous
        previous = row
    }
    return previous[b.count]
}
