-- Heat map cells from points, in integers: millionths of weight times thousandths of points.
-- cells.py fills in the braces. The table `stretch` lists when each offset from UTC was in force.
with lost as (
    select steps.cluster, steps.member, epoch_ms(steps.ts) // 1000 as t, after_restart, idle_step.ts is not null as idle,
        learner_step.ts is not null as learner, cap_of, most, {losses}
    from steps left join idle_step
    on idle_step.ts = steps.ts and idle_step.cluster = steps.cluster and idle_step.member = steps.member
    left join learner_step
    on learner_step.ts = steps.ts and learner_step.cluster = steps.cluster and learner_step.member = steps.member
    left join cap_step
    on cap_step.ts = steps.ts and cap_step.cluster = steps.cluster and cap_step.member = steps.member
),
capped as (
    -- A cap costs its metric what it takes. greatest() ignores null.
    select * replace ({capped}) from (select *, greatest({whole} - ({total_loss}) - most, 0) as taken from lost)
),
step as (
    -- A step without a score has neither losses nor `worth`.
    select *, {whole} - ({total_loss}) as worth from capped
),
voting as (
    -- Learners do not count. While all members are learners, one without a score stands for the cluster.
    select * exclude (learner) from step where not learner
    union all by name
    select cluster, min(member) as member, t, bool_and(case when after_restart is not null then false end) as after_restart,
        false as idle
    from step group by cluster, t having bool_and(learner)
),
ranked as (
    select * exclude (after_restart), count(*) over (partition by cluster, t) as alive,
        bool_or(after_restart) over (partition by cluster, t) as after_restart,
        -- NULLS FIRST: one member without a score leaves the whole cluster's step without one. A missing member comes
        -- before an idle one: only if none is missing would scores of the idle ones give the cluster a score.
        row_number() over (partition by cluster, t order by {zero_first}worth nulls first, idle, member) as from_worst,
        row_number() over (partition by cluster, t order by worth desc nulls last, idle desc, member) as from_best
    from voting
),
averaged as (
    select cluster, t, bool_or(after_restart) as after_restart, false as idle, {loss_means}
    from voting group by cluster, t having count(worth) = count(*)
    union all
    select cluster, t, bool_or(after_restart), bool_and(worth is not null or idle), {no_losses}
    from voting group by cluster, t having count(worth) < count(*)
),
of_cluster as (
    select cluster, t, after_restart, idle, worth, {loss_names} from ranked where '{rollup}' = 'worst' and from_worst = 1
    union all
    select cluster, t, after_restart, idle, worth, {loss_names} from ranked where '{rollup}' = 'quorum' and from_best = alive // 2 + 1
    union all
    select cluster, t, after_restart, idle, {whole} - ({total_loss}), {loss_names} from averaged where '{rollup}' = 'mean'
),
either as (
    select 'member' as level, cluster, member, t, after_restart, idle, worth, {loss_names} from step
    union all
    select 'cluster', cluster, null, t, after_restart, idle, worth, {loss_names} from of_cluster
),
placed as (
    select *, (t + utc_offset) // 86400 as date, (t + utc_offset) % 86400 // {width} * {width} as clock
    from either join stretch on begins <= t and t < ends
)
select level, cluster, member,
    -- The time at which the clock showed the start of the cell, or the clock change if that came later.
    min(greatest(date * 86400 + clock - utc_offset, begins)) as start,
    date, clock, utc_offset,
    count(*) as expected, count(worth) as scored, sum(idle::int)::bigint, sum(after_restart::int)::bigint, sum(worth)::bigint, min(worth)::bigint,
    {loss_sums}
from placed
group by level, cluster, member, date, clock, utc_offset
order by date, level, cluster, member, start
