-- The cells of the heat map from the points, in whole numbers: points times hundredths of weight.
-- cells.py fills in the braces; a step without a score has no `worth`.
with step as (
    select cluster, member, epoch_ms(ts) // 1000 as t, case when score is not null then {worth} end as worth,
        {losses}
    from steps
),
of_member as (
    select 'member' as level, cluster, member, t, worth, {loss_names} from step
),
ranked as (
    -- NULLS FIRST: one member without a score leaves the whole cluster's step without one.
    select *, row_number() over (partition by cluster, t order by worth nulls first, member) as place from step
),
of_cluster as (
    select 'cluster' as level, cluster, null as member, t, worth, {loss_names} from ranked where place = 1
),
either as (from of_member union all from of_cluster)
select level, cluster, member, t // 3600 * 3600 as start,
    count(*) as expected, count(worth) as scored, sum(worth)::bigint, min(worth),
    {loss_sums}
from either
group by level, cluster, member, start
-- by UTC date, clusters before members, then by name and hour
order by start // 86400, level, cluster, member, start
