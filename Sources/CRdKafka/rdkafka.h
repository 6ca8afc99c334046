// librdkafka's public headers, and its mock cluster's for the tests.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
