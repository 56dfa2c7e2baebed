#include <caf/init_global_meta_objects.hpp>
#include <gtest/gtest.h>

#include "messages/actors.hpp"

int main(int argc, char** argv) {
  caf::init_global_meta_objects<caf::id_block::cuttle>();
  caf::core::init_global_meta_objects();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
