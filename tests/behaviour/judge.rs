//! The judge of causes, on findings made by hand: what it counts as found, right, wrong and neither.

use crate::support::{Folder, Run, oracle_run};

const TRUTH: &str = "name,cluster,member,start,end,cause
network,c01,10.0.1.1:2379,2026-10-01T02:00:00Z,2026-10-01T02:30:00Z,network
planned-move,c01,,2026-10-01T05:00:00Z,2026-10-01T05:01:00Z,moved
leader-restart,c01,10.0.1.2:2379,2026-10-01T08:00:00Z,2026-10-01T08:01:00Z,restarted
";
const ELECTIONS: &str = "time,cluster,cause,from,to
2026-10-01T02:00:01Z,c01,network,10.0.1.1:2379,10.0.1.2:2379
2026-10-01T05:00:01Z,c01,planned_move,10.0.1.2:2379,10.0.1.3:2379
2026-10-01T08:00:01Z,c01,restart,10.0.1.3:2379,10.0.1.1:2379
";

/// Judges changes of (hour, minutes, number, cause) in the cluster.
fn judged(name: &str, changes: &[(u32, u32, u32, &str)]) -> Run {
    let folder = Folder::new(name);
    folder.write("truth.csv", TRUTH);
    folder.write("elections.csv", ELECTIONS);
    let mut findings = "kind,cluster,start_utc,end_utc,metric,cause,description,rule\n".to_owned();
    for (hour, minutes, number, cause) in changes {
        let times = format!("2026-10-01 {hour:02}:00:00,2026-10-01 {hour:02}:{minutes:02}:00");
        findings +=
            &format!("leader_change,c01,{times},leader_changes,{cause},{number} leader changes,leader_change\n");
    }
    folder.write("findings.csv", findings);
    oracle_run("judge.py", &[&folder.at("")])
}

/// The numbers of a cause's row, which stands below those of incidents: elections, found, right, precision, recall.
fn row<'a>(run: &'a Run, cause: &str) -> Vec<&'a str> {
    let line = run.stdout.lines().rfind(|line| line.split(' ').next() == Some(cause));
    line.unwrap_or_else(|| panic!("{cause} is missing:\n{}", run.stdout)).split_whitespace().skip(1).collect()
}

#[test]
fn a_member_that_comes_back_and_counts_the_new_leader_is_no_wrong_cause() {
    let run = judged("judge-right", &[(2, 30, 2, "network"), (5, 1, 1, "planned_move"), (8, 1, 1, "restart")]);
    assert_eq!(row(&run, "network"), ["1", "1", "1", "1.000", "1.000"]);
    assert!(run.stdout.ends_with("held\n"), "{}", run.stdout);
    assert_eq!(run.code, Some(0));
}

#[test]
fn several_causes_are_missed_and_make_no_cause_wrong() {
    let run = judged("judge-several", &[(2, 30, 1, "network"), (5, 1, 1, "planned_move"), (8, 1, 1, "several")]);
    assert_eq!(row(&run, "restart"), ["1", "0", "0", "1.000", "0.000"]);
    assert_eq!(row(&run, "planned_move"), ["1", "1", "1", "1.000", "1.000"]);
    assert_eq!(row(&run, "all"), ["3", "2", "2", "1.000", "0.667"]);
    assert!(run.stdout.contains("1 elections of restart: several"), "{}", run.stdout);
    assert_eq!(run.code, Some(1));
}

#[test]
fn a_cause_that_no_election_has_is_wrong() {
    let run = judged("judge-wrong", &[(2, 30, 1, "network"), (5, 1, 1, "overload"), (8, 1, 2, "restart")]);
    assert_eq!(row(&run, "overload"), ["0", "1", "0", "0.000", "1.000"]);
    assert_eq!(row(&run, "planned_move"), ["1", "0", "0", "1.000", "0.000"]);
    assert_eq!(row(&run, "restart"), ["1", "2", "1", "0.500", "1.000"]);
    assert_eq!(run.code, Some(1));
}
