#include "app/session_files.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include <gtest/gtest.h>

#include "sys/descriptor.hpp"

namespace claviger::app {
namespace {

// tmpfiles.d(5): a directory that somebody holds locked is not cleaned up, however old its files are.
TEST(SessionFiles, PX26_no_cleaner_takes_them_while_the_session_goes_on) {
    std::filesystem::path directory;
    {
        auto made = SessionFiles::create({});
        ASSERT_TRUE(made) << made.error().describe();
        const SessionFiles files(std::move(*made));
        directory = files.trust().bundle.parent_path();
        const sys::Descriptor cleaner(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_TRUE(cleaner.valid());
        EXPECT_EQ(::flock(cleaner.get(), LOCK_EX | LOCK_NB), -1);
        EXPECT_EQ(errno, EWOULDBLOCK);
    }
    EXPECT_FALSE(std::filesystem::exists(directory));
}

}  // namespace
}  // namespace claviger::app
