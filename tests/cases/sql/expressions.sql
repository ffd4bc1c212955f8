--## Expressions: literals, operators, calls, and what is none.
--# kind expr

-1
- 1
-a
- -1
2 - -1
-1.5
+1
a||b
a div b
a % b
a is true
a is not true
a is unknown
a is not unknown
a is distinct from b
a is not distinct from b
a <> b
a !< b
a between 1 and 2
a not between 1 and 2
a in (1,2)
a not in (1,2)
a in (select 1)
a not in (select 1)
(a,b) in (select 1,2)
exists(select 1)
not exists(select 1)
exists(a, x->x)
a like 'b'
a not like 'b'
a like 'b' escape '!'
a like any ('x','y')
a not like all ('x',b)
a ilike 'x'
a rlike 'x'
a regexp 'x'
1.0
1e3
1.0e3
1.5bd
1.5d
1.5f
1d
1s
1y
1l
12345678901
12345678901234567890
1.
0.10
.5
-1e-3
date'2020-01-01'
timestamp'2020-01-01 00:00:00'
timestamp_ntz'2020-01-01 00:00:00'
x'1F'
'a' 'b'
"a"
r'a\n'
'a\nb\u0041\101\%'
interval 1 day
interval '1' day
interval '1 day'
interval '1-2' year to month
interval 1 year 2 months
interval '1 2:03:04.5' day to second
interval '1' second
interval 1.5 seconds
interval -1 week
interval a day
current_date
current_timestamp
current_user
user
session_user
localtimestamp
now
case a when 1 then 2 else 3 end
case when a then 1 end
if(a,b,c)
cast(a as int)
try_cast(a as int)
a[1]
a.b.c
f(a).b
a[1].b
(a,b)
(a)
struct(a,b as c)
struct(*)
named_struct('a',1)
array(1,2)
map(1,2)
first(a)
first(a ignore nulls)
first(a, true)
first(a) ignore nulls
last(a)
any_value(a)
position('a' in b)
extract(day from a)
extract(foo from a)
substring(a from 1 for 2)
substring(a,1,2)
substr(a from 1)
trim(a)
trim(both from a)
trim(both 'x' from a)
trim(leading 'x' from a)
trim('x' from a)
trim(trailing from a)
overlay(a placing b from 1 for 2)
overlay(a placing b from 1)
overlay(a,b,1)
percentile_cont(0.5) within group (order by a desc)
percentile_disc(0.5) within group (order by a)
count(*)
count(distinct a,b)
count(t.*)
sum(a) filter (where b>1)
sum(a) over (partition by b order by c)
sum(a) over (order by c rows between 1 preceding and current row)
sum(a) over (order by c range between unbounded preceding and 1 following)
lag(a) ignore nulls over (order by b)
sum(a) over (rows 1 preceding)
x -> x+1
(x,y) -> x+y
transform(a, x -> x + 1)
filter(a, x -> x > 1)
mask(a, upperChar => 'x')
timestampadd(day,1,a)
dateadd(day,1,a)
datediff(day,a,b)
datediff(a,b)
date_add(a,1)
timestampdiff(hour,a,b)
left(a,1)
right(a,1)
a and b or not c
not a = b
a = b = c
~a
a & b | c ^ d
a + b * c
a & b + c
identifier('a')
left
date
timestamp
interval
null
true
count
a as b
a b
*
t.*
a.b.*
f(*)
`a b`.`c``d`
1a
a1.b2
db.f(a)
a==b
a<=>b
!a
not not a
a = not b
cast(a as struct<x:int,y:array<string>>)
a[b = 1]
(select 1)
grouping(a)
element_at(a,1)
1 = 1 is null
concat(a,b)
nullif(a,b)
date '2020-01-01' + interval 1 day
a between 1 and 2 and c
case when a then b else c end = d
case a when 1 then case b when 2 then 3 end end
all
any(a)
some(a)
exists(a)
replace(a,b,c)
year(a)
a -> b -> c
now()
current_date()
current_timestamp()
char(65)
chr(65)
ceil(a,1)
floor(a)
decode(a,b)
map_filter(m,(k,v)->k>v)
é
_a
a$b
1_
1e
1e3x
1.a
a.1
a.1b
t.1
s3://x
1.2.3
'a\'b'
`a``b`
``
1e+3
1e+
1..2
1.5L
0x1F
1 -- c
1 /* a /* b */ c */ + 2
1 /* a
''
a.`b`
'\z\x\_\%\\'
'\u00e9\U0001F600\0\012\400'
r"a\n"
R'x''y'
"a""b"
1.e5
1.f
.e5
1BD
123456789012345678901234567890123456789
1.0BD
1234567890.12345678901234567890123456789
1e39BD
1.5e2
1e-5
0e0
1e400
1e400D
1e-400
-128Y
- 128Y
-9223372036854775808
-9223372036854775809
2147483648
-2147483648
3.5e38f
1e-3BD
1D2
interval 1 year 1 day
interval '1 year 1 day'
interval '1 month'
interval '1 hour 2 minutes'
interval 1 hour 30 minutes
interval 2 weeks
interval '2 weeks 3 days'
interval 100 milliseconds
interval 5 microseconds
interval '1.123456789' second
interval '-1' day
interval - '1' day
interval -'1-2' year to month
interval '1-13' year to month
interval '1 24:00:00' day to second
interval '10:11' hour to minute
interval '10:11:12.5' hour to second
interval '11:12' minute to second
interval '1 10' day to hour
interval '1 10:11' day to minute
interval '1-2' month to year
interval '1' year to day
interval 'foo'
interval ''
interval '1' days
interval 1 nanosecond
interval 1 foo
interval 1.5 days
interval '1.5' days
interval 1 quarter
interval '3' quarters
interval 1 second 2 second
interval 1 year 2 day 3 hour
interval '1 day -2 hours'
interval '0' day
interval 1 day 2 hour to second
interval '99999999999' day
interval 1 millisecond 1 second
interval '1 week'
interval -1.5 second
INTERVAL (a) day
interval (1+1) days
interval a
interval f(x) day
interval +1 day
interval - 1 day
interval 1
interval '-1 2:3:4' day to second
interval '+1-2' year to month
interval 'interval 1 day'
interval '2147483648' month
interval 1 month 1 second
date'2020'
date'2020-1'
date'2020-1-1'
date' 2020-01-01 '
date'2020-01-01T'
date'2020-01-01 10'
date'2020-02-30'
date'-0001-01-01'
date'+12345-01-01'
date'epoch'
timestamp'2020'
timestamp'2020-01-01'
timestamp'2020-01-01 1:2:3'
timestamp'2020-01-01 01:02:03.1234567'
timestamp'2020-01-01 01:02:03Z'
timestamp'2020-01-01T01:02:03+01:00'
--# tree a region's offset is for analysis to find
timestamp'2020-01-01 01:02:03 Europe/Berlin'
timestamp'2020-01-01 01:02'
timestamp'2020-01-01 01'
--# accepts a time without a date is of the current day, which only a session knows
timestamp'12:00'
timestamp_ntz'2020-01-01 01:02:03Z'
timestamp_ntz'2020-01-01'
timestamp_ltz'2020-01-01'
timestamp'2020-13-01'
timestamp'x'
timestamp'2020-01-01 25:00:00'
timestamp'2020-01-01 01:02:03+1'
timestamp'2020-01-01 01:02:03 UTC+1'
timestamp'2020-01-01 01:02:03 foo'
x'1'
x'abc'
x'xz'
x'1F2E'
X''
date "2020-01-01"
date x'1'
date 'a' 'b'
null 'a'
int '1'
foo 'x'
interval '1' year to month
interval 'x' day to second
interval '1 2' day to second
interval '61:00' minute to second
interval '1:61' hour to minute
interval '10:61' minute to second
interval '1 2:3' day to second
interval '-1' 'a' day
interval 1 year to month
interval - '-1-2' year to month
interval '1 2:3:4.1234567891' day to second
interval '1:2:3.5' day to second
interval 1 day '2' hour
interval '.5' second
interval '5.' second
interval '1..5' second
interval '- 1 day'
interval '1day'
interval '1 day,'
interval '1 days 1'
interval '1.5 hours'
interval '99999999999999 hours'
interval '9223372036854775807 microseconds'
interval '9223372036854775808 microseconds'
interval '200000000 years'
interval 1.5 millisecond
interval -'-1' day
interval +'-1' day
interval 'a' year
--# differs Spark has no error class for it
interval '106751992' days
interval '1 nanoseconds'
interval 1e3 second
interval 1d day
interval 10 day 'x' hour
interval '25' hour
interval '1:2' day to hour
interval '+1 2' day to hour
interval '' day
interval ' 1 ' day
interval '1 year 2 months'
interval '1 YEARS'
a and b and c
a and b and c and d
a and b and c and d and e
a or b or c or d or e or f
a and b and c and d and e and f and g and h
a or b and c or d
x -> x.a + y
transform(a, (x, i) -> x + i + b)
-a.b[0]
-1[0]
a.b.c[d].e
(a).b
(select 1).a
a not like 'x' escape '!'
a not ilike 'x'
a not rlike 'x'
a not like any ('a','b')
a like all ('a','b')
a like some ('x', y)
a ilike any ('x','y')
a between b = c and d
a * b / c % d
a - b - c
a = b and c <> d or e >= f
not a in (1)
not a like 'x'
a is not distinct from b and c
cast(a as decimal)
cast(a as decimal(5))
cast(a as decimal(5,2))
cast(a as char(3))
cast(a as varchar(3))
cast(a as timestamp_ntz)
cast(a as map<string,array<int>>)
cast(a as interval year to month)
cast(a as foo)
try_cast(a as struct<>)
count(distinct *)
count(t.*, a)
count(*) filter (where a)
max(a) filter (where b) over (partition by c)
sum(a) over (cluster by b)
sum(a) over (distribute by b sort by c desc)
sum(a) over (partition by b, c order by d nulls last, e desc nulls first)
sum(a) over (order by b rows between unbounded preceding and unbounded following)
sum(a) over (order by b range between interval 1 day preceding and 1 + 1 following)
sum(a) over ()
nth_value(a, 2) respect nulls over (order by b)
map('a', 1)['a']
f(x => 1, y => 2)
named_struct('a', b).a
struct(1 as a, b)
(1 as a, b, 2)
(a, b) = (1, 2)
(a, b) in ((1, 2), (3, 4))
(a, b) not in (select 1, 2)
exists (select 1) and a
1 + (select 2) * 3
case when a then 1 when b then 2 else 3 end
case a + 1 when 2 then 'x' end
case when case when a then b end then c end
substring(a from b + 1)
trim(trailing 'x' from a)
trim(trim(a))
substr(substr(a, 1), 2)
first(first(a))
position(a, b)
datediff(day, a)
timestampadd('day', 1, a)
any(a) and some(b) or every(c)
if(a > 1, 'x', "y")
interval '1' year + interval '2' month
a.`b c`.d
`a`.b
1.5 + 1.5e0 + 1.5f + 1.5d + 1.5bd
0.0
00.010
-0.0
9223372036854775807
9223372036854775808
1e-7
123456789.125
date '2020-02-29'
date '1969-12-31'
date '0001-01-01'
timestamp_ntz '1969-12-31 23:59:59.999999'
timestamp '2020-06-01 12:00:00 Z'
x'00ff'
'a' "b" r'\c'
a -- comment
a /* b */ + /* c /* d */ */ e
a 
  a
a;
a,b
a b c
()
(a
a)
f(
1 +
+
a +* b
a b.c
a as
a as (b,c)
a (b, c)
case
case end
end
between
a between
in
like
is
null is null
not
not not
!
*.a
a.*.b
- - - a
~~a
+-a
a||'b'||c
a = = b
a === b
a !! b
a <> != b
@
#
$
a$
{a}
[a]
a[
a[]
a[0
\a
'a
"a
`a
`a`b
'a\'
r'a\'
