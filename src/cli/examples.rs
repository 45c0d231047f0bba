//! Examples and notes that `--help` prints below the flags. Lines have at most 100 columns,
//! so that clap does not wrap them.

pub(super) const LAYERS: &str = "\
Settings also come from environment variables (ETCD_HEATMAP_TIME_ZONE for --time-zone) and from
etcd-heatmap.toml. Flags override variables; variables override the file.";

pub(super) const BACKFILL_EXAMPLES: &str = "\
Examples:
  The last 30 days of a Prometheus:
    etcd-heatmap backfill --url http://127.0.0.1:9090 --start now-30d --out audit
  Everything in a data directory, a snapshot, a dump, or a support bundle:
    etcd-heatmap backfill --from must-gather.tar.gz --out audit";

pub(super) const PULL_EXAMPLES: &str = "\
Examples:
  The last 30 days of one job, at a step of five minutes:
    etcd-heatmap pull --url http://127.0.0.1:9090 --start now-30d --step 5m \\
      --selector 'job=\"etcd\"' --out audit
  Name members by their pod:
    etcd-heatmap pull --url http://127.0.0.1:9090 --member-label pod --out audit";

pub(super) const ANONYMIZE_EXAMPLES: &str = "\
Examples:
  A copy for support, and which pseudonym stands for which member:
    head -c 32 /dev/urandom | base64 > key.txt
    etcd-heatmap anonymize audit --key-file key.txt --out anonymous
    etcd-heatmap anonymize audit --key-file key.txt --list > names.csv";

pub(super) const MERGE_EXAMPLES: &str = "\
Examples:
  Join what 'etcd-heatmap pull --shard 1/16' to 16/16 wrote below audit, and score it:
    etcd-heatmap merge audit
    etcd-heatmap score audit";

pub(super) const TEXTFILE_EXAMPLES: &str = "\
Examples:
  Print the current score:
    etcd-heatmap textfile --url http://127.0.0.1:9090
  Write it for node_exporter four times a minute, until SIGTERM:
    etcd-heatmap textfile --url http://127.0.0.1:9090 --every 15s \\
      --out /var/lib/node_exporter/textfile/etcd_score.prom
  Check that the file is fresh, as a container probe:
    etcd-heatmap textfile --check-health --out /var/lib/node_exporter/textfile/etcd_score.prom";

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  Show what would go into a Prometheus with a retention of 90 days:
    etcd-heatmap import audit --data-dir /var/lib/prometheus/metrics2 --retention 90d --dry-run
  Import it, as the user that the server runs as (metrics2 is Debian's folder):
    sudo -u prometheus etcd-heatmap import audit --data-dir /var/lib/prometheus/metrics2 \\
      --retention 90d
  Build the blocks elsewhere if the data directory is a small disk of its own:
    etcd-heatmap import audit --data-dir /prometheus --staging /var/tmp";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  Would a pull of the last 90 days work, and how long would it take?
    etcd-heatmap check --url http://127.0.0.1:9090 --start now-90d --preset openshift
  What is inside a data directory, a snapshot, a dump, or a support bundle?
    etcd-heatmap check --from /var/lib/prometheus/metrics2";

pub(super) const SCORE_EXAMPLES: &str = "\
Examples:
  Score a pulled history, into the same folder:
    etcd-heatmap score audit
  Leave out open_fds, into another folder:
    etcd-heatmap score audit --without open_fds --out audit-without-fds
  Compare with other thresholds:
    etcd-heatmap score audit --compare seed,etcd-faq,fleet";

pub(super) const RULES_EXAMPLES: &str = "\
Examples:
  Score one job by the thresholds of etcd's own alerts:
    etcd-heatmap rules --profile mixin --selector 'job=\"etcd\"' > etcd-heatmap.rules.yml
    promtool check rules etcd-heatmap.rules.yml
  Alert on the scores of these rules, or of a textfile with this profile:
    etcd-heatmap rules --alerts --profile mixin > etcd-heatmap.alerts.yml";

pub(super) const SQL_EXAMPLES: &str = "\
Examples:
  List the hours below 7 of the history in audit/ with DuckDB:
    etcd-heatmap sql > score.sql
    duckdb -cmd \"SET VARIABLE audit = 'audit'\" -cmd \".read score.sql\" \\
      -c \"FROM cells() WHERE min < 7\"
  Score a history in a data lake with Spark:
    etcd-heatmap sql --dialect spark --rollup quorum > score.spark.sql
    spark-submit score.py s3a://lake/audit/history s3a://lake/scored --sql score.spark.sql";

pub(super) const CONFIG_SHOW_EXAMPLES: &str = "\
Examples:
  Show which settings a backfill would use here:
    etcd-heatmap config show
  Save settings as a file:
    etcd-heatmap config show --url http://127.0.0.1:9090 --profile mixin > etcd-heatmap.toml";

pub(super) const SHOW_EXAMPLES: &str = "\
Examples:
  The latest days of one cluster and of its members:
    etcd-heatmap show audit --cluster c01 --members
  All days since 1 October, page by page:
    etcd-heatmap show audit --since 2026-10-01 | less
  A picture for a ticket:
    etcd-heatmap show audit --cluster c01 --png c01.png";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  Why was c01 red at 14:00 UTC on 7 October?
    etcd-heatmap explain audit --cluster c01 --at 2026-10-07T14
  The same cell in the time zone of Berlin:
    etcd-heatmap explain audit --cluster c01 --at 2026-10-07T16 --time-zone Europe/Berlin
  How many fsyncs are behind the p99 of one member at 14:20?
    etcd-heatmap explain audit --cluster c01 --at 2026-10-07T14:20 --member 10.0.1.1:2379 \\
      --instant --url http://127.0.0.1:9090";

pub(super) const FINDINGS_EXAMPLES: &str = "\
Examples:
  What should I look at, worst first?
    etcd-heatmap findings audit
  All problems of one cluster, and the findings behind them:
    etcd-heatmap findings audit --cluster c01 --all
    etcd-heatmap findings audit --cluster c01 --evidence
  Why did the leader of c01 change?
    etcd-heatmap findings audit --cluster c01 --kind leader_change
  Everything, for a spreadsheet:
    etcd-heatmap findings audit --csv > findings.csv";

pub(super) const FORECAST_EXAMPLES: &str = "\
Examples:
  Will a cluster be red within the next 24 hours?
    etcd-heatmap forecast audit
  How good would such forecasts have been, and which model is the best?
    etcd-heatmap forecast audit --backtest
  The WAL fsync of the next six hours, by ARIMA:
    etcd-heatmap forecast audit --metric wal_fsync --model arima --horizon 6h
  Keep the gauges of a node_exporter current, until SIGTERM:
    etcd-heatmap forecast history --every 1h --url http://127.0.0.1:9090 \\
      --textfile /var/lib/node_exporter/textfile/etcd_forecast.prom";

pub(super) const DIFF_EXAMPLES: &str = "\
Examples:
  Did the new disks of 8 October help? (Each side needs 7 days for an interval.)
    etcd-heatmap diff audit --at 2026-10-08
  Compare two months, and stop a pipeline if an hour of the second is below 7:
    etcd-heatmap diff audit-september audit-october --fail-below 7";

pub(super) const LINT_EXAMPLES: &str = "\
Examples:
  Check the files of a backfill before an import:
    etcd-heatmap lint audit/openmetrics/*.om
  Check a compressed file:
    zcat year.om.gz | etcd-heatmap lint -";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  bash, for one user (needs the package bash-completion):
    etcd-heatmap completions bash > ~/.local/share/bash-completion/completions/etcd-heatmap
  zsh, into a folder of its fpath:
    etcd-heatmap completions zsh > /usr/local/share/zsh/site-functions/_etcd-heatmap
  fish:
    etcd-heatmap completions fish > ~/.config/fish/completions/etcd-heatmap.fish";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  Write all pages, for man etcd-heatmap-backfill:
    etcd-heatmap man --out /usr/local/share/man/man1";
