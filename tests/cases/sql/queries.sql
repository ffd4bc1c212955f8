--## Queries, good and bad.
--# kind plan

select 1 2
select
<<<

>>>
  
select from
select 1 from
select a b c from t
select * from t where
select (1
select 1)
select 1 /* a
select 'abc
select `a
select a,
select 1 +
select 1 from t group
select 1 from t order
selec 1
select a from t limit
select 1 ; select 2
select 1;;
<<<
-- x
>>>
/* x */
select @
select 1 $ 2
select a.
select cast(1 as foo)
select cast(1 int)
select date'x'
select X'1'
select foo'1'
select interval '1' foo
select interval 'x' day
select 1e400BD
select 300Y
select 99999999999999999999L
select 99999999999999999999
select 1.0E400
select a b, from t
select case when 1 then 2
select case 1 end
select * from (select 1
select * from t join
select * from t join u on
select a from t where a in ()
select f(a
select f(a,)
select a[1
select 1 from t t2 t3
with a as select 1
with a as (select 1)
select 1 union
--# differs ANTLR's prediction names another token
select * from values (1,2
select between 1 and 2
select a between 1
select a not 1
select a is 1
select * from t tablesample (10)
select "abc
create tabl x
insert into
<<<
select 'a

>>>
select 1 as select
select a as (b,
select x -> 
select (x,y) -> x
<<<

select
 1 2 3
>>>
select distinct
select all
select a,,b
--# differs ANTLR's prediction names another token
select 1 where group by
select 1 from a.b.c.d e f
select * from a cross b
select * from a natural b
select * from a left b
select a from b c d
select 1 limit 1 2
select 1 order by a b
select * fro t
select * from t wher a
select /*+ foo */ 1 2
select a from t having
select a from t window w as (
select sum(a) over
select sum(a) over (
select sum(a) over (partition a)
select f(distinct)
select f(a) filter a
select extract(day a)
select trim(both from)
select cast(a as)
select struct(
select interval
select interval 1
select interval 1 day 2
select a:b
select a::
select a::foo
select !
select not
select 1 2 3
select * from t lateral view
select * from t pivot (
drop
set
set a
show
show foo
explain
use
describe
cache
--# differs REFRESH <path> is not told from other commands
refresh
values
values 1 2
from t
from t 1
table
table t u v
(select 1
(select 1))
select * from a join b
select * from a join b on a.x=b.x left join c using (x,y)
select * from a natural join b
select * from a natural left outer join b
select * from a cross join b
select * from a, b, c d
select * from a left semi join b on a.x=b.x
select * from a semi join b on true
select * from a left anti join b using (x)
select * from a anti join b
select * from a full outer join b on 1=1
select * from a full join b
select * from a right join b
select * from (a join b) c
select * from (select 1) join (select 2)
select * from (select 1) as t(x)
select * from ((select 1))
select * from ((select 1) union (select 2)) t
select * from ((select 1) a join b)
select * from (values (1,2),(3,4)) as t(a,b)
select * from values (1,2),(3,4) t
select * from values 1, 2
values (1,2)
values 1,2 as t(a)
select * from range(10)
select * from range(1,10,2) t
select * from explode(array(1,2)) as t(x)
select * from t lateral view explode(a) u as b
select * from t lateral view outer explode(a) u as b, c
select * from t lateral view explode(a) as b
select * from t lateral view explode(a)
select * from t lateral view explode(a) u lateral view explode(b) v as x where 1=1
select * from t, lateral (select 1)
select * from t join lateral (select t.a) x on true
select * from t lateral join u
select * from t tablesample (10 percent)
--# tree the alias stands over the sample: the same names
select * from t tablesample (10 rows) as u
select * from t tablesample (bucket 1 out of 4)
--# tree the alias stands over the sample: the same names
select * from t tablesample (10 percent) repeatable (3) u
select * from t tablesample (200 percent)
select * from t tablesample (1.5 percent)
select * from t tablesample (bucket 3 out of 4 on x)
select * from t pivot (sum(a) for b in (1,2))
select * from t pivot (sum(a) as s, max(c) m for (b,d) in ((1,2) as x, (3,4)))
select * from t unpivot (v for n in (a,b as x))
select * from t unpivot include nulls (v for n in (a,b)) as u
select * from t unpivot ((v,w) for n in ((a,b) as x,(c,d)))
select a from t group by a
select a, sum(b) from t group by 1
select a from t group by a, b with rollup
select a from t group by rollup(a,b)
select a from t group by cube(a,(b,c))
select a from t group by grouping sets ((a,b),a,())
select a from t group by a, b grouping sets ((a),(b))
select a from t group by a, cube(b,c), rollup(d)
select a from t group by all
select a from t group by (a,b)
select a from t group by ()
select a from t group by grouping sets (rollup(a,b), cube(c), grouping sets ((a)))
select a from t group by a having sum(b) > 1
select sum(a) from t having sum(a)>1
select a from t where b in (select c from u)
select a from t where exists (select 1 from u where u.a=t.a) and not exists (select 2)
select (select max(a) from t) as m
select * from t where (a,b) in (select 1,2)
select * from t where (a,b) not in ((1,2),(3,4))
select * from t order by a desc nulls last, b asc nulls first, c
select * from t sort by a
select * from t cluster by a
select * from t distribute by a sort by b
select * from t order by a sort by b
select * from t limit 10
select * from t limit all
select * from t limit 10 offset 5
select * from t offset 5
select * from t limit 1+1
select 1 union select 2
select 1 union all select 2 intersect select 3
select 1 except select 2 minus all select 3
select 1 union distinct select 2 order by 1 limit 1
(select 1) union all (select 2 limit 1)
select 1 intersect all select 2
with a as (select 1), b(x,y) as (select 1,2) select * from a, b
with a as (with b as (select 1) select * from b) select * from a
with a as (select 1), a as (select 2) select 1
from t select a where b
from t select a
from t, u select *
from (select 1) t select a group by a having b
table t
table a.b
select * from parquet.`/a/b`
select * from a.b.c
select * from `a`.`b c`
select /*+ broadcast(t) */ * from t
select /*+ repartition(3), coalesce(1) */ /*+ shuffle_hash(a,b) */ 1
select /*+ mapjoin(a) broadcast(b) */ 1
select distinct a, b from t
select all a from t
select distinct on from t
select a, sum(b) over w from t window w as (partition by a order by b)
select sum(b) over w, max(c) over (w) from t window w as (order by a), v as w
select sum(b) over w from t window w as (order by a), w as (order by b)
select a from t version as of 3
select a from t timestamp as of '2020-01-01'
select a from t for system_version as of 3 u
select a from t for version as of 'x'
select a.* from t a
select t.a.b.c from t
select a[0].b['c'] from t
select current_date, current_timestamp()
select 'a' as `b c`, 1 as d
select a as (x, y) from t
select explode(m) as (k,v)
select stack(2,1,2,3,4) (a,b)
select transform(a, x -> x+1), aggregate(a, 0, (acc,x)->acc+x, acc->acc*2) from t
select * except from t
select count(distinct a, b), count(all a), count(*) filter (where a>1) from t
select a from t where a between 1 and 2 and b not between 3 and 4 or c
select case when a=1 then 'x' when a=2 then 'y' else 'z' end case_col from t
select a from t where a like '%x%' escape '/' and b not rlike 'a.*' or c ilike any ('a','b')
select a from t where date > date'2020-01-01' and interval > interval 1 day
select date, timestamp, year, month, day, hour from t where user = 'x'
select end, begin, start, order, group from t
select t.from, t.select from t
<<<
select 1 -- comment
, 2 /* x */ from t
>>>
select 1;
select 1 as a, a + 1 as b
select struct(1 as a, 2 b).a
select named_struct('a',1).a
select map('a',1)['a']
select array(1,2)[0]
select if(a,b,c), nvl(a,b), coalesce(a,b,c)
select -a, +a, ~a, !a, not a
select a is null, a is not null, a is true, a is not false
select a <=> b, a == b, a != b, a <> b, a !> b, a !< b
select a || b || c, a div b, a % b, a & b | c ^ d
select cast(a as decimal(10,2)), try_cast('x' as date), cast(a as array<struct<x:int,y:map<string,double>>>)
select cast(a as interval), cast(b as interval day to second)
select extract(year from d), trim(both 'x' from s), substring(s from 2 for 3), overlay(s placing 'x' from 2), position('a' in s)
select percentile_cont(0.5) within group (order by a) over (partition by b) from t
select first_value(a) ignore nulls over (order by b rows between unbounded preceding and unbounded following) from t
select rank() over (order by a), row_number() over (partition by b,c order by d desc nulls first range between interval 1 day preceding and current row) from t
--# differs Spark finds the missing table first
select a from nowhere where a = :x and b = ?
select f(a => 1, b => 2)
--# tree the name is put in at once, Spark keeps it for analysis
select identifier('a')(1)
select * from identifier('a.b')
select grouping_id(a), grouping(b) from t group by cube(a,b)
select * from (from t select a)
select * from (table t)
select (values 1)
select exists (values 1)
select * from t1 left join t2 on t1.a = t2.a and (t1.b > 1 or t2.c is null) inner join t3 using (d)
select a.b, c from a join (select * from d where e in (1,2,3)) f on a.x = f.x where a.y is not null group by 1, 2 having count(*) > 10 order by 2 desc limit 5
select 1 limit
select * from t where a not
select a from t1, t2 where
select a from
select a, from t where b
select from where
select * from t union
select * from t union all
select * from t u v
select * from t where a = (select 1
select (1, 2
select f(1, 2
select f(1 2)
select f(a b)
select a b, c d e
select a where b c
select a group by
select a order by
select a from t join
select a from t join u using
select a from t join u using ()
select a from t join u on a = b using (x)
select case a when 1
select case when a then b else end
select cast(a, int)
select cast(a as int
select a in
select a in 1
select a between 1 or 2
select a like
select a is
select a is not
select 1 = = 2
select 1 + * 2
select a.*.b
select .a
select a..b
select [1]
select {a}
select a[
select a[]
select #
select $x
select a@b
select 1 ? 2
select ::int
select a::int
select x'zz'
select date'2020-99-99'
select interval 1 day 1 month
select 1L 2
select 1e
select '\'
insert t select 1
insert into t
create temporary view v
create view
drop view
set =
set a.b.c=1;
set a=b;c
explain foo
show tables like
show columns
--# differs ANTLR's prediction names another token
cache t
uncache t
with a select 1
with a as (select 1) b
with (select 1) select 1
values (
values ()
select * from values
table 1
from
--# differs ANTLR's prediction names another token
from t where a
select * from t lateral view explode
select * from t lateral view explode(a) as
select * from t pivot
select * from t pivot (sum(a))
select * from t pivot (sum(a) for b in ())
--# accepts a table alias named unpivot
select * from t unpivot (a)
select * from t tablesample
select * from t tablesample (x)
--# differs ANTLR's prediction names another token
select * from t tablesample (1 foo)
select sum(a) over ()
select sum(a) over (order a)
select sum(a) over (partition by)
--# differs Spark finds the missing column first
select sum(a) over (rows)
select sum(a) over (order by b rows between 1 and 2)
--# accepts Spark refuses it in analysis
select sum(a) over (rows unbounded following)
--# differs ANTLR's prediction names another token
select a from t window w
select a from t window w as
select sum(a) filter (b)
select sum(a) filter where b
select a -> b
select (a, b) ->
select (1) -> 2
select f(x -> )
select f(distinct a, b)
select f(,a)
select f(a,,b)
select a)
select ((a)
select (a))
select 'a
select "a
select 1 /*
select /*+ a
select /*+ a(1 */ 1
select /*+ */ 1
select * from a-b
select 1 as a-b
select * from t where a-b = 1
delete
delete t
update
update t
merge
alter
truncate
analyze
--# accepts REFRESH <path> is not told from other commands
refresh table
load
msck
comment
add
list
foo
foo bar
1
(1)
'a'
select 1 from t;;
; select 1
select f(1, 2 3)
select f(1, 2 3 4)
select f(1 2 3)
select f(1 2
select (1, 2 3)
select (1 2)
select (1 2 3)
select a in (1, 2 3)
select a in (1, 2
select a in (1
select a in (1 2)
select struct(1, 2
select struct(1
select struct(1 as a, 2 3)
select cast(1 as int
select extract(day from a
select trim(both from a
select a[1 2]
select a[1 2 3]
select a[b
select array(1,2
--# differs ANTLR's prediction names another token
select exists(select 1
--# differs ANTLR's prediction names another token
select * from t where exists (select 1
select count(distinct a
select count(distinct a, b
select sum(a) filter (where b
--# differs ANTLR's prediction names another token
select * from t where a in (select 1
select f(g(1
select f(g(1)
select f((1)
select (f(1)
select * from (t
select * from (t join u
--# differs ANTLR's prediction names another token
select * from ((select 1)
--# differs ANTLR's prediction names another token
with a as (select 1 select 2
with a(b as (select 1) select 2
select case when a then b
select case when a b end
select case a when b c end
select case when a then b c end
select a from t order by a, b c
select a from t group by a, b c
select a from t group by a b
select a from t order by a, b c d
select a from t order by
select a, b from t u, v w x
select a from t where a = 1 b
select a from t where a = 1 b c
select a from t limit 1 2 3
select a from t where (a = 1
select a from t where (a = 1 and b
select a from t where (a and b
--# differs ANTLR's prediction names another token
select a from t where a and (b or c
select f(a.b
select f('x'
select f(a+1
select f(a, b
--# differs ANTLR's prediction names another token
select max(f(a
select f(x -> x
values (1,2), (3,4
select * from t join u on (a = b
select * from t join u using (a
select * from t join u using (a,b
select * from t join u using (a b)
select * from t u (a, b
select * from t as u (a b)
select cast(a as decimal(10
--# differs ANTLR's prediction names another token
select cast(a as decimal(10,2
select cast(a as decimal(10,2)
--# differs ANTLR's prediction names another token
select cast(a as array<int
select cast(a as array<int)
--# differs ANTLR's prediction names another token
select cast(a as struct<a:int
select cast(a as struct<a:int, b:string)
select cast(a as map<int>)
select interval '1' day to
select date '2020
select 'it''s'
select a.b.
select a.1
select t.*.*
select a b c d
select a, b c d, e
select * frm t
select * form t where a
select * from t whre a = 1
select * from t were a = 1 and b
selct * from t
select * from t groupby a
select * from t order a
select * from t group a
select a from t where a == 
select a from t where a >
select a from t where > 1
select a from t where and b
select a from t where not
select a from t where a and
select a from t where a or or b
select from t
select ,a from t
select a from ,t
select a from t,
select a from t left
select a from t left join
select a from t inner u
select a from t cross u
select a from t natural
select a from t join u where
select a from t on a = b
select a from t using (a)
select a from t lateral
select a from t lateral view outer
select top 10 * from t
select a from t limit 10,5
select a from t fetch first 5 rows only
select a from t where a = 'x
select a from t where a = "x
select [a] from t
select a from [t]
select {fn now()}
select a from t where a =* b
select a from t where a like '%x
select count(*) from t group by having
select a from t union b
select a from t union select
select a from t union all
select (select a from t
select (select a from t) from
select a from t where a in select b from u
select a from t where exists select 1
insert into t values
insert into t values (
insert into t values (1,2
--# differs ANTLR's prediction names another token
insert into t (a,b
insert into t (a,b) select
insert into t a
insert values (1)
insert overwrite
create temporary view v as
create temporary view v as foo
create temp view
create or replace temp view v as select
--# differs ANTLR's prediction names another token
create or temp view v as select 1
drop view if v
drop view if exists
uncache
uncache table
uncache foo t
cache table
cache lazy
cache lazy t
show table
show tables in
show tables from
show columns t
show functions like
describe table
describe function
describe extended
describe query
explain extended
explain select
use database
reset
set a b c
set 'a'=1
set a.b-c=1
set time zone
set time zone foo
delete from
update t set
merge into
truncate t
analyze table
alter table
comment on
load data
msck repair
add jar
create table
create
create foo
grant select on t to u
revoke x
export table t
lock table t
alter foo
table t where a
values 1 where a
from t select
with
with a
with a as
with a as (
with a as (select 1),
with a as (select 1), b
with a as (select 1), select 2
with a as (select 1) select * frm b
explain with a
select a from t window
select a from t where a between
select a from t where a between 1
select a from t where a between 1 and
select a from t where a between 1, 2
select a from t where a not between 1 2
select a from t where a is null null
select a from t where a is not
select a from t where a is distinct b
select a from t where a is distinct from
select a from t where a not in
select a from t where a not in 1
select a from t where a not like
select a from t where a like b escape
select a from t where a like b escape 1
select a from t where a like any
select a from t where a like any ()
select a from t where a like any (1
select a from t where a not b
select distinct from
select distinct *
select /*+ a */
select /*+ a b c */ 1
select /*+ a( */ 1
select /*+ a, */ 1
select -
select - from t
select 1 -
select 1 - from t
select * * from t
select *, from t
--# accepts a column alias named as
select a as from t
select a as
select a as 1
select a as 'x'
select a 'x'
select 1 'x'
select a "x"
select sum(a) as
select sum(a) sum(b)
select a::string from t
select a->b
select a->>'b'
select a !b
select a ! = b
select a <> <> b
select a => b
select a := b
select @a
select a; b
select a;; select b
--# differs ANTLR's prediction names another token
select (a, b
select ()
select (a,)
select (,a)
select f(*, a
select *.a
select t.* a
select t.* as a
select * as a
select count(*) from
select * from t t1 t2 t3
select * from (select 1) as
--# differs ANTLR's prediction names another token
select * from (select 1) as t (
select * from values (1) as t(a,
select * from f(
select * from f(1
select * from f(1 2)
select * from range(1,2) a b
