--## Types in DDL form.
--# kind type

int
INT
integer
tinyint
byte
smallint
short
bigint
long
float
real
double
decimal
dec
numeric
decimal(5)
decimal(10,2)
decimal( 10 , 2 )
decimal(38,38)
decimal(39,1)
decimal(5,6)
decimal(1,2,3)
decimal()
decimal(a)
decimal(-1)
string
STRING
char(3)
character(3)
varchar(10)
char
varchar
char(0)
binary
boolean
date
timestamp
timestamp_ltz
timestamp_ntz
void
null
interval
interval year
interval month
interval year to month
interval month to month
interval day
interval day to hour
interval day to second
interval hour to second
interval minute to second
interval second
interval second to day
interval day to day
interval year to day
array<int>
array<array<string>>
array
array<>
array<int
array<int,int>
map<string,int>
map<string,array<map<int,double>>>
map
map<int>
struct<a:int>
struct<a int>
struct<a:int,b:string>
struct<a: struct<b: array<int>>>
struct<>
struct< >
struct
struct<a>
struct<a:>
struct<a:int,>
struct<`a b`:int>
struct<`a``b`:int>
struct<1a:int>
struct<a:int not null>
struct<a:int comment 'x'>
struct<a:int not null comment 'x\'y'>
struct<a:int comment 'x' not null>
struct<select:int,from:string>
struct<date:date,timestamp:timestamp,interval:interval>
struct<a:decimal(5,2),b:interval day to second>
foo
foo(3)
int(3)
string(3)
date(1)
<<<

>>>
  
int int
int,
int b
a int
`int`
1
'int'
int -- x
/* x */ int
array<foo>
map<foo,bar>
struct<a:foo>
udt
object
bigint unsigned
double precision
time
json
text
number
bool
int8
datetime
