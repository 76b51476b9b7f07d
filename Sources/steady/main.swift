import Commands
import Glibc

exit(
    Program.run(
        Array(CommandLine.arguments.dropFirst()),
        verbs: [UpVerb.verb] + RoleVerbs.all + Verb.all + SnapshotVerbs.all + [UpgradeVerb.verb, FormatsVerb.verb]))
