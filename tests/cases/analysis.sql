-- One query a line for test_analysis.py: names, types, nullability or the error's class, over the views t and u of that file.
select a+1 from t
select a+b from t
select a+s from t
select a+d from t
select a+c from t
select c*c from t
select c/c from t
select c%c from t
select a/2 from t
select a div 2 from t
select a%2 from t
select c+1.5 from t
select d+c from t
select f+c from t
select ti+ti from t
select ti+1 from t
select s+1 from t
select '1'+'2' from t
select -s from t
select -a from t
select +a from t
select abs(s) from t
select dt+1 from t
select dt-1 from t
select dt - dt from t
select ts - ts from t
select ts - dt from t
select dt + interval 1 day from t
select ts + interval 1 day from t
select ts+interval 1 month from t
select dt+interval 1 month from t
select 1+dt from t
select null+1 from t
select a+null from t
select a=s from t
select dt='x' from t
select ts='x' from t
select dt=ts from t
select a=d from t
select c=d from t
select c=a from t
select bo=1 from t
select bo='x' from t
select bo=a from t
select bo=s from t
select s>1 from t
select s=1.5 from t
select s=c from t
select s=b from t
select s=d from t
select a<=>s from t
select not bo from t
select not s from t
select not a from t
select bo and s from t
select bo and a from t
select bo and null from t
select a in (1,'2') from t
select s in (1,2) from t
select a in (1, 1.5) from t
select dt in ('x') from t
select a between 1 and '2' from t
select case when a>1 then 1 else 's' end from t
select case when bo then a end from t
select if(bo,a,s) from t
select if(bo,a,null) from t
select coalesce(a,s) from t
select coalesce(n,a) from t
select coalesce(n,n) from t
select nvl(a,1.5) from t
select ar[0] from t
select m['k'] from t
select st.x from t
select ar[a] from t
select m[1] from t
select st['x'] from t
select ar['0'] from t
select ar + 1 from t
select st=st from t
select m=m from t
select a = ar from t
select bo+1 from t
select dt+'1' from t
select dt + ts from t
select a || s from t
select ar || ar from t
select concat(a,b) from t
select array(1,'a') from t
select array() from t
select map(1,'a',2,3) from t
select map() from t
select struct(a,s,1) from t
select struct(a+1) from t
select struct(a as q) from t
select named_struct('a',a) from t
select nullif(a,s) from t
select isnan(a) from t
select isnan(s) from t
select 1.0/3 from t
select a is null from t
select a is not null from t
select ~a from t
select a & b from t
select a & s from t
select s like 'x' from t
select a like 'x' from t
select s rlike 'x' from t
select !bo from t
select count(1) from t
select count(*) from t
select count(distinct a, b) from t
select sum(a) from t
select sum(c) from t
select sum(d) from t
select sum(s) from t
select avg(c) from t
select avg(a) from t
select avg(s) from t
select min(s) from t
select max(m) from t
select first(a) from t
select sum(distinct a) from t
select count(a) filter (where a>1) from t
select sum(a)+1 from t
select collect_list(a) from t
select substring(s,1) from t
select substr(s,1,2) from t
select trim(s) from t
select trim(both 'x' from s) from t
select round(a) from t
select round(c,1) from t
select round(d,1) from t
select floor(c) from t
select floor(d) from t
select ceil(a) from t
select cast(a as string) from t
select cast(s as int) from t
select cast(s as date) from t
select try_cast(s as int) from t
select cast(a+1 as bigint) from t
select cast(ar as array<string>) from t
select cast(a as date) from t
select cast(dt as int) from t
select cast(bo as timestamp) from t
select a.b from t
select st.q from t
select foo(a) from t
select upper(a,b) from t
select upper() from t
select upper(ar) from t
select a as x from t
select nosuch from t
select T.A from t
select t.nosuch from t
select x.a from t
select date'2020-01-01' from t
select timestamp'2020-01-01 01:02:03' from t
select interval 1 day from t
select interval '1-2' year to month from t
select X'1F' from t
select 1L from t
select 1.5 from t
select 1e3 from t
select 1.5f from t
select true from t
select null from t
select 'it''s' from t
select sum(a) over (partition by s) from t
select sum(a) over (partition by s order by b) from t
select row_number() over (order by a) from t
select rank() over (partition by s order by a desc) from t
select sum(a) over (order by a rows between 1 preceding and current row) from t
select sum(a) over () from t
select lag(a) over (order by a) from t
select lead(a,1,0) over (order by a) from t
select ntile(2) over (order by a) from t
select first_value(a) over (order by a) from t
select row_number() over () from t
select sum(a) over (order by a range between 1 preceding and 1 following) from t
select row_number() over (order by a rows between 1 preceding and current row) from t
select sum(a) filter (where a>1) over (partition by s) from t
select explode(ar) from t
select explode(m) from t
select posexplode(ar) from t
select explode(ar) as q from t
select posexplode(ar) as (p,q) from t
select explode_outer(ar) from t
select inline(array(st)) from t
select stack(2,1,2,3,4) from t
select explode(ar)+1 from t
select explode(ar), explode(ar) from t
select transform(ar, x -> x+1) from t
select filter(ar, x -> x>1) from t
select aggregate(ar, 0, (acc,x)->acc+x) from t
select exists(ar, x->x>1) from t
select transform(ar,(x,i)->x+i) from t
select zip_with(ar,ar,(x,y)->x+y) from t
select map_filter(m,(k,v)->v>1) from t
select transform_values(m,(k,v)->v+1) from t
select a+1 as x, x+1 from t
select a as x, x+1 from t
select cast(st.x as string) from t
select cast(st.x+1 as string) from t
select (select 1) from t
select exists(select 1) from t
select a in (select a from u) from t
select (select max(a) from u) from t
select 1 in (select a from u) from t
select not exists (select 1) from t
select st.* from t
select ST.X from t
select int(a) from t
select int('1') from t
select date('2020-01-01') from t
select string(a+1) from t
select cast(cast(a as string) as int) from t
select -1 from t
select - 1.5 from t
select +1 from t
select a.* from t
select a, sum(b) b from t group by a order by sum(b)  -- known-gap: Spark resolves b to the alias and fails
select a, sum(b) total from t group by a having total>1 and sum(b)>2 order by max(d)  -- known-gap: Spark cannot order by it
select a, sum(b) from t group by b
select a, sum(b) from t
select s, count(*) from t group by 1
select s, count(*) from t group by 3
select s x, count(*) from t group by x
select a+1, (a+1)*2 from t group by a+1
select a, b, grouping(a), grouping_id(), sum(d) from t group by rollup(a,b)
select a, b, sum(d) from t group by grouping sets ((a),(a,b))
select grouping(a) from t group by a
select a from t where sum(a)>1
select a from t order by 5
select a from t order by b
select sum(sum(a)) from t
select * from t join u on t.a=u.a where a=1
select * from t join u using(a)
select t.a, u.a from t join u using (a)
select t.* from t join u using(a)
select * from t full join u using (a)
select u.*, t.a from t left join u using(a)
select * from t natural join u
select a from t left semi join u on t.a=u.a
select * from t join u on t.a
select * from t join u using(zz)
select a from t union select s from t
select a,b from t union all select a from t
select a from t union select ar from t
select a from t intersect select b from t
select a from nosuch
select x.* from t
with c as (select 1 x) select x+1 from c
select * from values (1,'a'),(2.5,null) v(p,q)
select * from range(3)
select a from t limit -1
select a from t limit 'x'
select a from (select a, a from t)
select a from (select a, b a from t)
select t.a from t x
select spark_catalog.default.t.a from t
select * from t lateral view explode(ar) z as c
select c from t lateral view explode(ar) z
select struct(*) from u
select count(t.*) from t
select concat(*) from u
select array_contains(ar, 1L) from t
select element_at(ar,1), element_at(m,'k') from t
select greatest(a,b), least(a,1.5) from t
select greatest(a,s) from t
select coalesce(a,ar) from t
select if(a,1,2) from t
select case when a then 1 end from t
select case when bo then 1 else ar end from t
select a from t where s
select a from t where a
select a from t where ar
select a from t having a > 1
select a from t group by a having s > 1
select distinct a, s from t order by b
select distinct a, s from t order by a
select a, count(*) c from t group by a order by c
select a, count(*) from t group by a order by count(*)
select a, count(*) from t group by a order by b
select a as x from t where x > 1
select a as x from t order by x, a
select a as a1, b as a1 from t order by a1  -- known-gap: Spark calls it unresolved
select s, sum(a) over (partition by s order by sum(b)) from t group by s, a
select s, sum(sum(a)) over () from t group by s
select a, rank() over (order by sum(b)) r from t group by a order by r
select * from t where a in (select a from u where u.s = t.s)
select * from t where exists (select 1 from u where u.a = t.a)
select (select z from u where u.a = t.a) q from t
select a, (select max(z) from u where u.a = t.a) q from t
select * from (select a, b from t) x join (select a, z from u) y on x.a = y.a
select x.*, y.z from (select a, b from t) x, (select a, z from u) y
select * from t cross join u
select a.a from t a left join u b on a.a = b.a where b.a is null
select t.a from t right join u on t.a = u.a
select count(*) from t full outer join u on t.a = u.a
select * from t left anti join u on t.a=u.a
select * from u t1 join u t2 on t1.a = t2.a join u t3 using (a)
select * from u t1 join u t2 using (a) join u t3 using (a)
select * from u t1 join u t2 using (a, s)
select a from u union all select a from t union select 2.5
select a from u minus select a from t
select a from u except all select b from t
select * from u union all select a, s, d from t
(select a from u) union (select b from t) order by a limit 2
with x as (select a from t), y as (select a + 1 b from x) select * from x join y on x.a = y.b
with x(q) as (select a from t) select q from x
select * from (values (1, 2), (3, 4)) as v(x, y) where x > y
values (1, 'a'), (2, 'b')
select 1 as a, 2 as a
select stack(2, 'x', a, 'y', b) as (k, v) from t
select k, v from t lateral view explode(m) e as k, v
select pos, x from t lateral view outer posexplode(ar) e as pos, x
select * from range(1, 10, 2)
select a, b, count(*) from t group by cube(a, b)
select a, b, count(*) from t group by a, b with rollup
select a, b, grouping__id from t group by a, b with cube
select case a when 1 then 'x' when 2 then 'y' else s end from t
select a between 1 and 3, a not between 1 and 3, a not in (1,2), s not like 'x' from t
select a <> 1, a != 1, not a = 1, a == 1 from t
select s || 'x' || a from t
select -a, +a, ~a, a % 2, a div 2, a & 1, a | 1, a ^ 1 from t
select a is distinct from b, a is not distinct from b from t
select bo is true, bo is not false, bo is unknown from t
select cast(s as double) + 1, a + '1', '2' * 3 from t
select date_add(dt, 1), datediff(dt, '2020-01-01'), dt > '2020-01-01' from t
select extract(year from dt), year(ts), date_trunc('month', ts), trunc(dt, 'MM') from t
select current_date(), current_date, current_timestamp from t
select count(distinct s), sum(distinct a), avg(a) filter (where a > 1) from t
select first(a), last(s), collect_list(a), collect_set(s), max(st), min(dt) from t
select max_by(a, b), min_by(s, a), stddev(a), variance(d), corr(a, b) from t
select percentile(a, 0.5), approx_count_distinct(s), count_if(bo), any(bo), every(bo), bool_or(bo) from t
select a, sum(b) as s1, s1 + 1 from t group by a
select a + 1 as x, x * 2 as y, y + x as z from t
select t.st.x, st.y, ar[0], m['k'], m.k from t
select upper(s), lower(s), length(s), trim(s), substring(s, 1, 2), concat(s, 'x'), split(s, ',')[0] from t
select round(d, 2), floor(d), ceil(d), abs(a), sqrt(d), pow(d, 2), a / 2, d / 0 from t
select nvl(a, 0), coalesce(n, a, 1), nullif(a, 1), ifnull(s, 'x'), if(a > 1, 'x', null) from t
select a from t tablesample (10 percent)
select a from t limit 1 + 1
select a from t limit 2 offset 1
select * except (a) from u
select a from t group by 1 order by 1
select a + b from t group by a + b having a + b > 1
select a + b + 1 from t group by a, b
select a from t group by b
select max(a) m from t having m > 1  -- known-gap: Spark takes the table's m
select sum(a) from t where max(a) > 1
select 1 from t group by s
select s, a from t group by s
select sum(x) from (select a x from t) group by x
select a.a from u a
select b.a from u a
select nosuch.a from u
select u.nosuch from u
select st.nosuch from t
select nofn(a) from u
select upper() from u
select cast(ar as int) from t
select a + ar from t
select explode(a) from t
select array(1, 'a', null), map('a', 1, 'b', 2.5), struct(1, 'a'), named_struct('x', 1) from t
select transform(ar, x -> x + a), filter(ar, (x, i) -> i > 0) from t
select interval 1 day, interval '1 2:03:04' day to second, interval 2 months from t
select ts '2020-01-01' from t
select a from t order by rank() over (order by a)
select a, row_number() over (partition by s order by b desc nulls first) rn from t qualify rn = 1
select * from (select a, row_number() over (partition by s order by b) rn from t) where rn = 1
select sum(a) over w, avg(a) over w from t window w as (partition by s order by b)
select lag(a, 1) over (order by b), lead(s) over (order by a), first_value(a) over (order by b), nth_value(a, 2) over (order by b) from t
select a, b from t pivot (sum(d) for s in ('x', 'y'))
select * from (select a, s, d from t) pivot (sum(d) for s in ('x' as xx, 'y'))
select * from (select a, s, d from t) pivot (sum(d) as q, max(d) for s in ('x', 'y'))
select * from u unpivot (val for k in (a, z))
select array_contains(ar, 1), size(ar), sort_array(ar), array_distinct(ar), element_at(ar, 1), slice(ar, 1, 1) from t
select map_keys(m), map_values(m), size(m), explode(m) from t
select to_json(st), from_json(s, 'a int'), get_json_object(s, '$.a') from t
select regexp_replace(s, 'a', 'b'), regexp_extract(s, '(a)', 1), s rlike 'a' from t
select date_format(ts, 'yyyy'), to_date(s), to_timestamp(s), unix_timestamp(ts), from_unixtime(b) from t
select hash(a), md5(s), sha2(s, 256), crc32(s), xxhash64(a) from t
select * from t natural join t
select t.a from t, t t2
select a from t, u
select coalesce(a, s, d), greatest(a, b, d), least(a, 1) from t
select array(a, b), array(a, s), array(a, null) from t
select d = c, c > 1, c = 1.5, s = a, dt = ts, ts < dt from t
select a from t where a = (select max(a) from u)
select a from t where (a, s) in (select a, s from u)
select a from t where not a in (select a from u)
select any_value(a), count(*), count(n), sum(n) from t
select typeof(a), typeof(c) from t
