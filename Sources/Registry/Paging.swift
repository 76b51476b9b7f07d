import Formats
import Resources

/// Lists in pages, and of the past, as far as the watch window reaches back.
extension Registry {
    /// One page of the durable objects that match, by namespace and name. All pages of a list show the state of the first.
    func page(of list: ListRequest) throws(StatusError) -> Reply {
        let (shown, objects) = try state(of: list)
        var items = objects
        if let after = list.page.after {
            items.removeFirst(items.partitioningIndex { ($0.place.namespace, $0.place.name) > (after.namespace, after.name) })
        }
        var next: NextPage?
        if let limit = list.page.limit, limit > 0, items.count > limit {
            let last = items[limit - 1].place
            let isSelective = !list.labelSelector.requirements.isEmpty || !list.fieldSelector.terms.isEmpty
            // A list that goes on in the newest state begins to hold on to one here.
            next = NextPage(
                start: Continuation(revision: shown, namespace: last.namespace, name: last.name),
                remainingCount: isSelective ? nil : items.count - limit)
            items.removeLast(items.count - limit)
        }
        var reply = Reply(.list(type: list.type, items: items.map(\.value), revision: shown))
        reply.next = next
        return reply
    }

    private typealias Listed = (place: KindTable.Place, value: Value)

    /// What matches in the state that is asked for, and which state that is.
    private func state(of list: ListRequest) throws(StatusError) -> (revision: Revision, objects: [Listed]) {
        let wanted: Revision
        if let after = list.page.after {
            guard let held = after.revision else { return (revision, newest(list)) }
            wanted = held
        } else {
            switch list.page.version {
            case .newest: return (revision, newest(list))
            case .notOlder(let least):
                guard least <= revision else { throw .tooLargeVersion(least, current: revision) }
                return (revision, newest(list))
            case .exactly(let exact): wanted = exact
            }
        }
        guard wanted <= revision else { throw .tooLargeVersion(wanted, current: revision) }
        guard let objects = past(list, at: wanted) else { throw expired(list) }
        return (wanted, objects)
    }

    private func newest(_ list: ListRequest) -> [Listed] {
        self.list(list).items.map { (place($0), $0) }
    }

    /// The state at a revision: the newest, with every later commit taken back. Nil when the window does not reach back that far.
    private func past(_ list: ListRequest, at wanted: Revision) -> [Listed]? {
        guard let later = published(since: wanted, of: list.type) else { return nil }
        // The oldest of an object's later commits knows what it was before them.
        var before: [KindTable.Place: Value?] = [:]
        for event in later {
            let place = KindTable.Place(namespace: event.namespace, name: event.name)
            if before[place] == nil { before[place] = .some(event.previous) }
        }
        guard !before.isEmpty else { return newest(list) }
        var objects = newest(list).filter { before[$0.place] == nil }
        for (place, value) in before { if let value, list.matches(value) { objects.append((place, value)) } }
        return objects.sorted { ($0.place.namespace, $0.place.name) < ($1.place.namespace, $1.place.name) }
    }

    private func place(_ object: Value) -> KindTable.Place {
        let metadata = object["metadata"]
        return KindTable.Place(namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "")
    }

    /// Kubernetes' words, and its way out: a token with which the rest can be had as it is now.
    private func expired(_ list: ListRequest) -> StatusError {
        guard let after = list.page.after else { return .expired("The resourceVersion for the provided list is too old.") }
        var error = StatusError.expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list."
        )
        error.continuation = Continuation(revision: nil, namespace: after.namespace, name: after.name)
        return error
    }
}

extension RandomAccessCollection {
    /// The first index whose element passes a test that all later ones pass as well; the end when none does.
    fileprivate func partitioningIndex(_ passes: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if passes(self[index(startIndex, offsetBy: middle)]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
