/* main.c - the program: hands the command line to cli/ with the rooms wired together. */
#include "daemon/wire.h"

int main(int argc, char **argv) {
    return cli_main(&WIRE_HOST, argc, argv);
}
