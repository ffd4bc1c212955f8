--## Commands.
--# kind plan

create temp view a as select 1
create or replace temporary view a as select 1
create global temporary view a (x,y) as select 1,2
create or replace view a as select 1
create view if not exists a as select 1
drop view a
drop view if exists a.b
drop table a
drop table if exists a
set a
set a=b
set a = b c 
set a.b=
set -v
set
set `a b`=c
set `a`=`b c`
set time zone 'UTC'
set time zone local
set time zone interval 1 hour
set a b
reset
reset a
reset `a b`
use a
use database a
use a.b
show tables
show tables in a
show tables from a like 'x*'
show tables 'x'
show databases
show schemas like 'a'
show functions
show user functions like 'a'
show functions 'a'
show functions in db like 'x'
show columns in t
show columns from t from db
describe t
desc table extended t
desc t a
describe formatted t
describe function f
desc function extended f
describe query select 1
desc select 1
describe t partition (a=1)
explain select 1
explain extended select 1
explain formatted select 1
explain cost select 1
cache table t
cache lazy table t
cache table t as select 1
cache table t options('storageLevel'='DISK_ONLY') select 1
uncache table t
uncache table if exists t
clear cache
insert into t select 1
insert into table t values (1)
insert overwrite t select 1
insert overwrite table t partition (a=1) select 1
insert into t (a,b) values (1,2)
insert into t by name select 1
insert overwrite directory '/x' using parquet select 1
--# accepts FROM … INSERT, Hive's multi-insert
from t insert into u select *
create table t (a int) using parquet
create table t as select 1
alter table t add column x int
merge into t using u on t.a=u.a when matched then delete
update t set a=1
delete from t where a=1
truncate table t
analyze table t compute statistics
refresh table t
msck repair table t
load data inpath 'x' into table t
create database d
create function f as 'x'
drop function f
show partitions t
show create table t
show views
show catalogs
add jar x
list jars
describe database d
comment on table t is 'x'
grant x
start transaction
commit
with a as (select 1) insert into t select * from a
create temporary function f as 'x'
show tblproperties t
set catalog x
declare x int
execute immediate 'x'
call x()
create temporary view v using csv options (path 'x')
refresh function f
alter view v as select 1
drop database d
reset a.b
cache table t.u
