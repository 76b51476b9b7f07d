import Formats

/// A label selector, from a query string or from `matchLabels` and `matchExpressions`. All requirements must hold.
package struct LabelSelector: Hashable, Sendable {
    /// One condition on one label.
    package struct Requirement: Hashable, Sendable {
        /// How the label is compared.
        package enum Operator: String, Sendable {
            case `in` = "In"
            case notIn = "NotIn"
            case exists = "Exists"
            case doesNotExist = "DoesNotExist"
        }
        package var key: String
        package var op: Operator
        package var values: [String]
        package init(_ key: String, _ op: Operator, _ values: [String] = []) {
            self.key = key
            self.op = op
            self.values = values
        }

        /// `NotIn` also holds where the key is absent.
        package func matches(_ labels: [String: String]) -> Bool {
            switch op {
            case .in: labels[key].map(values.contains) ?? false
            case .notIn: !(labels[key].map(values.contains) ?? false)
            case .exists: labels[key] != nil
            case .doesNotExist: labels[key] == nil
            }
        }
    }

    package var requirements: [Requirement]
    package init(_ requirements: [Requirement]) { self.requirements = requirements }
    package static let everything = LabelSelector([])
    /// Whether everything that the selector demands holds.
    package func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0.matches(labels) } }
}

/// A field selector: `status.phase!=Succeeded,spec.nodeName=a1`. All terms must hold; an absent field counts as empty.
package struct FieldSelector: Hashable, Sendable {
    /// One condition on one field.
    package struct Term: Hashable, Sendable {
        /// `["spec", "nodeName"]`.
        package var path: [String]
        package var value: String
        package var isEqual: Bool
        package init(_ path: [String], _ value: String, isEqual: Bool = true) {
            self.path = path
            self.value = value
            self.isEqual = isEqual
        }
    }

    package var terms: [Term]
    package init(_ terms: [Term]) { self.terms = terms }
    package static let everything = FieldSelector([])

    /// Fields that are left out when false and yet selected by `false`.
    private static let booleanFields: Set<[String]> = [["spec", "unschedulable"], ["spec", "hostNetwork"]]

    /// Whether everything that the selector demands holds.
    package func matches(_ object: Value) -> Bool {
        terms.allSatisfy { term in
            let found = term.path.reduce(object) { $0[$1] }
            let text: String =
                switch found {
                case .null where Self.booleanFields.contains(term.path): "false"
                case .string(let s): s
                case .bool(let b): b ? "true" : "false"
                case .int(let i): String(i)
                default: ""
                }
            return (text == term.value) == term.isEqual
        }
    }
}
