// The one unit that holds the code of the header-only parts of Boost that this
// project compiles separately.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
