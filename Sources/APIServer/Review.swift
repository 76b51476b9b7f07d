import Formats
import Resources

/// Questions about the caller itself: posted, answered and forgotten. Whoever got in is the owner of everything, so the answer is always yes.
package enum Review: String, CaseIterable, Sendable {
    case selfSubjectAccess = "selfsubjectaccessreviews"
    case selfSubjectRules = "selfsubjectrulesreviews"
    case selfSubject = "selfsubjectreviews"

    init?(group: String, version: String, plural: String) {
        guard let review = Review(rawValue: plural), review.type.group == group, review.type.version == version else { return nil }
        self = review
    }

    /// For discovery.
    package var type: ResourceType {
        switch self {
        case .selfSubjectAccess: ResourceType("authorization.k8s.io", "v1", "SelfSubjectAccessReview", rawValue, namespaced: false)
        case .selfSubjectRules: ResourceType("authorization.k8s.io", "v1", "SelfSubjectRulesReview", rawValue, namespaced: false)
        case .selfSubject: ResourceType("authentication.k8s.io", "v1", "SelfSubjectReview", rawValue, namespaced: false)
        }
    }

    /// The posted object with its status filled in.
    ///
    /// - Parameter user: the name of the user whom the server runs as and lets in.
    package func answer(to posted: Value, user: String) -> Value {
        var object = posted
        object["kind"] = .string(type.kind)
        object["apiVersion"] = .string(type.apiVersion)
        switch self {
        case .selfSubjectAccess: object["status"] = ["allowed": true, "reason": "the API admits only its owner, who may do everything"]
        case .selfSubjectRules:
            object["status"] = [
                "resourceRules": [["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]]],
                "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]], "incomplete": false,
            ]
        case .selfSubject:
            object["status"] = ["userInfo": ["username": .string(user), "groups": ["system:masters", "system:authenticated"]]]
        }
        return object
    }
}
