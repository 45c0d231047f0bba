//! What stands below the flags in `--help`.

pub(super) const LAYERS: &str = "\
Every flag that has a value can stand in the environment as well (ETCD_HEATMAP_TIME_ZONE) or in
etcd-heatmap.toml; a flag outranks the environment, and that the file.";

pub(super) const BACKFILL_EXAMPLES: &str = "\
Examples:
  Try it without a server, on the embedded sample history:
    etcd-heatmap backfill --sample --out audit
  Last month at one minute, from a Prometheus:
    etcd-heatmap backfill --url http://127.0.0.1:9090 --start 2026-10-01 --end 2026-11-01 --step 1m --out audit
  Import the scores into a Prometheus:
    etcd-heatmap import audit --data-dir /var/lib/prometheus";

pub(super) const PULL_EXAMPLES: &str = "\
Examples:
  The last 30 days of one job at five minutes:
    etcd-heatmap pull --url http://127.0.0.1:9090 --start now-30d --end now --step 5m --selector 'job=\"etcd\"' --out audit
  Members named by their pod:
    etcd-heatmap pull --url http://127.0.0.1:9090 --member-label pod --out audit";

pub(super) const TEXTFILE_EXAMPLES: &str = "\
Examples:
  What is the score now?
    etcd-heatmap textfile --url http://127.0.0.1:9090
  Keep it where node_exporter reads it, four times a minute, until SIGTERM:
    etcd-heatmap textfile --url http://127.0.0.1:9090 --every 15s --out /var/lib/node_exporter/textfile/etcd_score.prom
  Is that file fresh? For a probe of a container:
    etcd-heatmap textfile --check-health --out /var/lib/node_exporter/textfile/etcd_score.prom";

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  What would be put into a Prometheus that keeps 90 days?
    etcd-heatmap import audit --data-dir /var/lib/prometheus --retention 90d --dry-run
  The same for real, as the user that the server runs as:
    sudo -u prometheus etcd-heatmap import audit --data-dir /var/lib/prometheus --retention 90d
  A data directory that is a disk of its own, with room for the blocks elsewhere:
    etcd-heatmap import audit --data-dir /prometheus --staging /var/tmp --promtool /opt/prometheus/promtool";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  Would last quarter come, and how long would it take?
    etcd-heatmap check --url http://127.0.0.1:9090 --start now-90d --preset openshift";

pub(super) const SCORE_EXAMPLES: &str = "\
Examples:
  Score what a pull wrote, into the same folder:
    etcd-heatmap score audit
  Without open_fds, into another folder:
    etcd-heatmap score audit --without open_fds --out audit-without-fds
  What would other thresholds have said?
    etcd-heatmap score audit --compare seed,etcd-faq,fleet";

pub(super) const RULES_EXAMPLES: &str = "\
Examples:
  The score of one job by the thresholds of etcd's own alerts:
    etcd-heatmap rules --profile mixin --selector 'job=\"etcd\"' > etcd-heatmap.rules.yml
    promtool check rules etcd-heatmap.rules.yml
  Alerts on the scores, of these rules or of a textfile:
    etcd-heatmap rules --alerts > etcd-heatmap.alerts.yml";

pub(super) const SQL_EXAMPLES: &str = "\
Examples:
  The hours below 7 of a history in audit/, in DuckDB:
    etcd-heatmap sql > score.sql
    duckdb -cmd \"SET VARIABLE audit = 'audit'\" -cmd \".read score.sql\" -c \"FROM cells() WHERE min < 7\"";

pub(super) const CONFIG_SHOW_EXAMPLES: &str = "\
Examples:
  What would a backfill do here?
    etcd-heatmap config show
  Make a file of it:
    etcd-heatmap config show --url http://127.0.0.1:9090 --profile mixin > etcd-heatmap.toml
  What the original's weights come to:
    etcd-heatmap config show --config config.conf";

pub(super) const SHOW_EXAMPLES: &str = "\
Examples:
  The latest days of one cluster, and of its members:
    etcd-heatmap show audit --cluster c01 --members
  All days since the first of October, page by page:
    etcd-heatmap show audit --since 2026-10-01 | less
  A picture for a ticket:
    etcd-heatmap show audit --cluster c01 --png c01.png";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  Why was c01 red at two in the afternoon (UTC) of 7 October?
    etcd-heatmap explain audit --cluster c01 --at 2026-10-07T14
  The same cell by the clocks of Berlin:
    etcd-heatmap explain audit --cluster c01 --at 2026-10-07T16 --time-zone Europe/Berlin";

pub(super) const FINDINGS_EXAMPLES: &str = "\
Examples:
  What should I look at, worst first?
    etcd-heatmap findings audit
  Why did the leader of c01 change?
    etcd-heatmap findings audit --cluster c01 --kind leader_change
  Everything, for a spreadsheet:
    etcd-heatmap findings audit --csv > findings.csv";

pub(super) const DIFF_EXAMPLES: &str = "\
Examples:
  Did the new disks of 7 October help?
    etcd-heatmap diff audit --at 2026-10-07
  Two months, and a pipeline that stops where any hour of the second was below 7:
    etcd-heatmap diff audit-september audit-october --fail-below 7";

pub(super) const LINT_EXAMPLES: &str = "\
Examples:
  What a backfill wrote, before an import:
    etcd-heatmap lint audit/openmetrics/*.om
  What lies compressed:
    zcat year.om.gz | etcd-heatmap lint -";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  For bash (package bash-completion) of one user:
    etcd-heatmap completions bash > ~/.local/share/bash-completion/completions/etcd-heatmap
  For zsh, in a folder of its fpath:
    etcd-heatmap completions zsh > /usr/local/share/zsh/site-functions/_etcd-heatmap
  For fish:
    etcd-heatmap completions fish > ~/.config/fish/completions/etcd-heatmap.fish";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  All pages, for man etcd-heatmap-backfill:
    etcd-heatmap man --out /usr/local/share/man/man1";
