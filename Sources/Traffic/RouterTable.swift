import Resources
import Timing

/// What changed since the table before.
package enum RouteUpdate: Sendable, Equatable {
    /// Anything may be other.
    case table(RouteTable)
    /// These backends of the table in force have other endpoints; all else is as it was.
    case endpoints([RouteTable.Backend])
}

/// Putting tables in force.
extension Router {
    /// Puts a table in force and says which endpoints get nothing new from now on, sorted: their idle connections have no use any more.
    ///
    /// Cost: a comparison of the two tables, and the work of `apply` for the backends in which they differ.
    package mutating func swap(_ new: RouteTable, now: Instant = .zero) -> [EndpointID] {
        var change = TableChange(now: now)
        var old = table.backends[...]
        for backend in new.backends {
            while let first = old.first, first.name < backend.name { old.removeFirst() }
            if let first = old.first, first == backend { continue }
            put(backend, &change)
        }
        let kept = Set(new.backends.map(\.name))
        for backend in table.backends where !kept.contains(backend.name) { remove(backend.name, &change) }
        table = new
        watchesHealth = backends.contains { $0.isListed && ($0.health != nil || $0.gate.rules.breaker != nil) }
        return settle(change)
    }

    /// Puts an update in force, see `swap`. Cost: linear in the endpoints of the backends that changed, whatever the size of the table.
    package mutating func apply(_ update: RouteUpdate, now: Instant) -> [EndpointID] {
        switch update {
        case .table(let table): return swap(table, now: now)
        case .endpoints(let backends):
            var change = TableChange(now: now)
            for backend in backends {
                guard let place = table.place(of: backend.name) else { continue }
                table.backends[place] = backend
                put(backend, &change)
            }
            return settle(change)
        }
    }

    /// What one change of the table has touched.
    struct TableChange {
        let now: Instant
        /// The slots, and whether they were ready before.
        var wasReady: [Int: Bool] = [:]
        /// Which backends were put.
        var backends: [Int] = []
        init(now: Instant) { self.now = now }
    }

    private mutating func put(_ new: RouteTable.Backend, _ change: inout TableChange) {
        let index: Int
        if let known = backendOf[new.name] {
            index = known
        } else if let free = freeBackends.popLast() {
            index = free
            backends[free] = Backend(name: new.name, carriage: new.carriage, generation: backends[free].generation)
        } else {
            index = backends.count
            backends.append(Backend(name: new.name, carriage: new.carriage, generation: 0))
        }
        backendOf[new.name] = index
        let readyBefore = backends[index].ready
        unlist(index, &change)
        backends[index].isListed = true
        backends[index].carriage = new.carriage
        backends[index].isDetected = new.isDetected
        let (oldBalance, hadFallback) = (backends[index].gate.rules.balance, backends[index].gate.failover.isAway)
        backends[index].gate.follow(new.rules)
        forgetSelection(of: index, before: oldBalance, hadFallback: hadFallback)
        follow(new, index)
        if let timeout = new.affinity ?? new.rules.balance.addressTimeout {
            if backends[index].affinity == nil { backends[index].affinity = AffinityTable(timeout: timeout) }
            backends[index].affinity?.timeout = timeout
        } else {
            backends[index].affinity = nil
        }
        for endpoint in new.endpoints {
            let slot = slot(endpoint)
            touch(slot, &change)
            slots[slot].listedCount += 1
            switch endpoint.standing {
            case .ready:
                slots[slot].readyCount += 1
                backends[index].ready.append(EndpointID(index: slot))
            case .terminating:
                slots[slot].terminatingCount += 1
                backends[index].terminating.append(EndpointID(index: slot))
            case .withheld:
                backends[index].withheld.append(EndpointID(index: slot))
            }
            if !new.rules.balance.groups.isEmpty { backends[index].groupOf[EndpointID(index: slot)] = endpoint.group }
        }
        if backends[index].sessions != nil {
            let ready = backends[index].ready.map { (listings[$0.index], $0) }
            backends[index].sessions?.list(ready)
        }
        var backend = backends[index]
        followHealth(of: &backend, readyBefore)
        backends[index] = backend
        noteBreakersEnd(index)
        change.backends.append(index)
    }

    /// What `Policy/Selection.swift` goes by; what it remembers lives on.
    private mutating func follow(_ new: RouteTable.Backend, _ index: Int) {
        let rules = new.rules.balance
        backends[index].distribution = new.distribution
        backends[index].needsSelection = new.distribution != .anywhere || !rules.groups.isEmpty || rules.slowStart != nil
        backends[index].groupOf = [:]
        switch rules.session?.mark {
        case .cookie, .header:
            if backends[index].sessions == nil { backends[index].sessions = SessionTokens(sessionKey, new.name.service) }
        case .sourceIP, nil: backends[index].sessions = nil
        }
    }

    private mutating func remove(_ name: RouteTable.BackendName, _ change: inout TableChange) {
        guard let index = backendOf.removeValue(forKey: name) else { return }
        unlist(index, &change)
        backends[index].isListed = false
        backends[index].generation &+= 1
        backends[index].health = nil
        backends[index].toldBreaker = .closed
        backends[index].affinity = nil
        backends[index].gate = BackendGate()
        backends[index].memory = SelectionMemory()
        backends[index].groupOf = [:]
        backends[index].sessions = nil
        freeBackends.append(index)
    }

    /// Takes back what a backend says of its endpoints.
    private mutating func unlist(_ index: Int, _ change: inout TableChange) {
        for endpoint in backends[index].ready {
            touch(endpoint.index, &change)
            slots[endpoint.index].listedCount -= 1
            slots[endpoint.index].readyCount -= 1
        }
        for endpoint in backends[index].terminating {
            touch(endpoint.index, &change)
            slots[endpoint.index].listedCount -= 1
            slots[endpoint.index].terminatingCount -= 1
        }
        for endpoint in backends[index].withheld {
            touch(endpoint.index, &change)
            slots[endpoint.index].listedCount -= 1
        }
        backends[index].ready.removeAll(keepingCapacity: true)
        backends[index].terminating.removeAll(keepingCapacity: true)
        backends[index].withheld.removeAll(keepingCapacity: true)
    }

    private func touch(_ slot: Int, _ change: inout TableChange) {
        if change.wasReady[slot] == nil { change.wasReady[slot] = slots[slot].isReady }
    }

    private mutating func settle(_ change: TableChange) -> [EndpointID] {
        var withdrawn: [EndpointID] = []
        for (index, wasReady) in change.wasReady.sorted(by: { $0.key < $1.key }) {
            if slots[index].isReady {
                // An endpoint that is ready again starts over.
                slots[index].isSealed = false
                unready.remove(index)
                if !wasReady {
                    slots[index].suspectUntil = .zero
                    slots[index].readySince = change.now
                }
                continue
            }
            if wasReady { withdrawn.append(EndpointID(index: index)) }
            if slots[index].isFree { release(index) } else { unready.insert(index) }
        }
        for index in change.backends { divideAgain(index, change.now) }
        isReportDue = true
        return withdrawn
    }

    private mutating func slot(_ endpoint: RouteTable.Endpoint) -> Int {
        if let known = slotOf[endpoint.address] {
            listings[known] = endpoint
            return known
        }
        let index: Int
        if let free = freeSlots.popLast() {
            index = free
            slots[free] = Slot()
            listings[free] = endpoint
        } else {
            index = slots.count
            slots.append(Slot())
            listings.append(endpoint)
        }
        slotOf[endpoint.address] = index
        return index
    }

    /// Gives a slot free that nothing lists and nothing is open to.
    mutating func release(_ index: Int) {
        guard slotOf[listings[index].address] == index else { return }
        slotOf[listings[index].address] = nil
        unready.remove(index)
        freeSlots.append(index)
    }
}
